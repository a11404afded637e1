from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from registration.domain.email_address import EmailAddress


class MailKind(StrEnum):
    ACTIVATION_CODE = "activation-code"
    ADDRESS_TAKEN = "address-taken"


class MailState(StrEnum):
    QUEUED = "queued"
    ACCEPTED = "accepted"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to be sent. Its id is also that of the code it brings, and the key that makes a second send harmless."""

    id: UUID
    kind: MailKind
    email: EmailAddress
    credential_id: UUID
    code_key_id: int
    language: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one mailbox, as far as the rules need to know it.

    `is_claimed`: a courier holds it, so it may be on the wire. `maybe_sent`: an attempt's fate is unknown, so it may
    have arrived. `voided`: its code does not work whatever the time.
    """

    id: UUID
    credential_id: UUID
    code_key_id: int
    language: str
    created_at: datetime
    state: MailState
    accepted_at: datetime | None
    is_claimed: bool
    maybe_sent: bool
    voided: bool
    by_this_client: bool
