from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registration.domain.email_address import EmailAddress
from registration.domain.events import ActivationCodeIssued, DomainEvent, TakenAddressRegistered
from registration.domain.mail import MailKind, NewMail
from registration.domain.password import PasswordHash


@dataclass(frozen=True, slots=True)
class Registration:
    """An address and a password that wait for a code.

    A decoy stands where the address already has an active user: it behaves like any other registration, only that
    no code ever activates it. `credential_id` changes with every password, so a code or an answer that was made for
    one password can never serve another.
    """

    email: EmailAddress
    credential_id: UUID
    password_hash: PasswordHash
    is_decoy: bool
    registered_at: datetime

    def mail_code(self, mail_id: UUID, code_key_id: int, language: str) -> tuple[NewMail, DomainEvent]:
        """The mail that brings a code, and what to announce; for a decoy the notice that stands for it."""
        kind = MailKind.ADDRESS_TAKEN if self.is_decoy else MailKind.ACTIVATION_CODE
        event = TakenAddressRegistered(mail_id) if self.is_decoy else ActivationCodeIssued(mail_id)
        return NewMail(mail_id, kind, self.email, self.credential_id, code_key_id, language), event
