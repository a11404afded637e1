"""Facts, published after the commit that made them true."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from registration.domain.email_address import EmailAddress


class DomainEvent:
    """Something that happened."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class UserRegistered(DomainEvent):
    """A pending registration exists, new or with a new password."""

    credential_id: UUID


@dataclass(frozen=True, slots=True)
class ActivationCodeIssued(DomainEvent):
    """A code was made, and the mail that brings it is in the outbox."""

    mail_id: UUID


@dataclass(frozen=True, slots=True)
class TakenAddressRegistered(DomainEvent):
    """Somebody registered an active user's address, or asked for a code so; the notice to its owner is in the outbox."""

    mail_id: UUID


@dataclass(frozen=True, slots=True)
class UserActivated(DomainEvent):
    credential_id: UUID
    since_acceptance: timedelta | None
    """Of the mail that brought the code; None if that was not recorded yet."""


@dataclass(frozen=True, slots=True)
class UserErased(DomainEvent):
    credential_id: UUID


@dataclass(frozen=True, slots=True)
class OutdatedHashMatched(DomainEvent):
    """A right password was shown whose stored hash is not what today's settings would store."""

    email: EmailAddress
    credential_id: UUID
    password: str = field(repr=False)
