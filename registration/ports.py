"""What the core asks of the world. The docstrings are the contract; one suite holds persistence and its fakes to it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from registration.domain.account import Account
from registration.domain.email_address import EmailAddress
from registration.domain.events import DomainEvent
from registration.domain.mail import MailKind, NewMail
from registration.domain.password import PasswordHash
from registration.domain.registration import Registration
from registration.domain.user import User

R = TypeVar("R")

NewId = Callable[[], UUID]
"""A new random identifier of 128 bits."""

PublishEvent = Callable[[DomainEvent], None]
"""Announce a fact; never fails and never waits."""


class Accounts(Protocol):
    """The registrations and users, inside a unit of work."""

    async def put_registration(self, registration: Registration) -> None:
        """Make it the address's registration, in place of any other."""

    async def activate(self, registration: Registration) -> User:
        """Turn the registration into the address's user, at the unit of work's instant."""

    async def erase(self, holder: Registration | User) -> None:
        """Remove the holder, what its mails say of it, and mails of earlier holders that nobody holds any more.

        What counts towards the address's limits stays.
        """

    async def renew_hash(self, holder: Registration | User, password_hash: PasswordHash) -> None:
        """Replace the stored hash by another of the same password."""


class Mails(Protocol):
    """The outbox's writing side, inside a unit of work."""

    async def add(self, mail: NewMail) -> None:
        """Queue the mail, held for the process that is about to send it."""

    async def supersede(self, mail_ids: Sequence[UUID]) -> None:
        """Drop mails that wait unsent; the unit of work starts again if a courier has taken one meanwhile."""

    async def void_codes(self, mail_ids: Sequence[UUID]) -> None:
        """Make the mails' codes worthless."""


class WrongCodes(Protocol):
    """The wrong codes of the address, inside a unit of work."""

    async def add(self, attempt_id: UUID, newest_mail_id: UUID) -> None:
        """Count one, at the unit of work's instant."""

    async def forget(self) -> None:
        """Let none of them count any more."""


class UnitOfWork(Protocol):
    """One transaction on one address, alone on it. `account` is what was known when it began."""

    @property
    def account(self) -> Account: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def mails(self) -> Mails: ...
    @property
    def wrong_codes(self) -> WrongCodes: ...

    def record(self, event: DomainEvent) -> None:
        """Have the event published once the transaction has been committed."""


class UnitsOfWork(Protocol):
    async def __call__(
        self, email: EmailAddress, client: str, step: Callable[[UnitOfWork], Awaitable[R]]
    ) -> R:
        """Run `step` in a transaction of its own: what it returns is committed, what it raises is rolled back.

        `step` runs again from the beginning after a conflict, and after a commit whose answer was lost; so it must
        recognise what it has already done. Raises Unavailable when the database does not answer in time.
        """


class AccountReader(Protocol):
    async def __call__(self, email: EmailAddress, client: str) -> Account:
        """What is known of the address now, without holding anything. Raises Unavailable."""


class PasswordHasher(Protocol):
    """bcrypt; a call costs one hash at today's cost, whatever it is given. Raises Overloaded."""

    def admit(self) -> None:
        """Raise Overloaded if a hash asked for now would wait too long; to be asked before any other work."""

    async def hash(self, password: str, *, like: PasswordHash | None = None) -> PasswordHash:
        """A new hash, with the salt and cost of `like` where given, so that one computation checks both.

        It is remembered, as by `remember`.
        """

    async def check(
        self, password: str, hashes: Sequence[PasswordHash], *, urgent: bool = False
    ) -> int | None:
        """The index of the first hash that the password fits; None if it fits none.

        It costs nothing where it is remembered that the password fits. Urgent ones wait less.
        """

    def remember(self, password: str, password_hash: PasswordHash) -> None:
        """Know for some minutes, in this process only, that the password fits."""

    def is_outdated(self, password_hash: PasswordHash) -> bool:
        """Whether today's settings would store another cost or use another key."""


class RateLimiter(Protocol):
    """What one client may do, and how often passwords may be wrong. A few requests in flight may overshoot.

    It is no authority on anything but requests: where its storage does not answer, it lets everybody through.
    """

    async def count_registration(self, client: str) -> None:
        """Count a registration against its client. Raises RateLimited if there have been too many."""

    async def count_authentication(self, client: str) -> None:
        """Count the use of a password against its client. Raises RateLimited if there have been too many."""

    async def refuse_guesser(self, client: str) -> None:
        """Raise RateLimited if the client has shown too many wrong codes, over all addresses."""

    async def count_wrong_code(self, client: str) -> None: ...

    async def refuse_password(self, email: EmailAddress, client: str, credential_ids: Sequence[UUID]) -> None:
        """Raise RateLimited if too many passwords were wrong for the address, whether or not it exists.

        The client's own count holds against it even with the right password; everybody's does not hold against a
        client that has lately shown the password of one of the credentials.
        """

    async def count_wrong_password(self, email: EmailAddress, client: str) -> None: ...

    async def count_right_password(self, client: str, credential_id: UUID) -> None:
        """Note that the client has shown the credential's password."""


class CodeKeys(Protocol):
    """The keys that activation codes are derived with."""

    @property
    def current_code_key_id(self) -> int:
        """The key for a new code."""

    async def code_key(self, key_id: int) -> bytes:
        """The key that a code was made with. Raises Unavailable."""


class MailDelivery(Protocol):
    async def deliver(self, mail_id: UUID) -> None:
        """Try at once to send a mail that this process has just committed; what fails now is tried again later."""


class Progress(Protocol):
    """How far people get, in figures that are for the operator alone: they are honest about taken addresses."""

    def count_registered(self) -> None: ...
    def count_code_issued(self) -> None: ...
    def count_taken_address(self) -> None: ...
    def count_activated(self, since_acceptance: timedelta | None) -> None: ...
    def count_erased(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """The mails that are to be sent, on the wire or waiting."""

    mails: int
    oldest_age: timedelta
    """0 if there are none."""


ReadBacklog = Callable[[], Awaitable[Backlog | None]]
"""The backlog as it was at most some seconds ago; None if the database does not answer. Never fails nor waits long."""

ReadOverdue = Callable[[], Awaitable[timedelta | None]]
"""How long the oldest registration or mail has been past its retention, 0 if none is; else as ReadBacklog."""


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail that this process holds and may send."""

    id: UUID
    kind: MailKind
    email: EmailAddress
    credential_id: UUID
    code_key_id: int
    language: str
    template_version: int
    request_id: str | None
    trace_parent: str | None
    """The trace that its attempts belong to (W3C Trace Context)."""
    age: timedelta
    attempts: int
    maybe_sent: bool
    provider: str | None
    """Who had it when its fate became unknown, and must have it again."""
    reason: str | None
    """Why the last attempt failed."""
    is_wanted: bool
    lease: UUID


class Outbox(Protocol):
    """The outbox's sending side. Every change is one committed statement, conditional on the mail being queued still."""

    async def take_fresh(self, mail_id: UUID) -> OutgoingMail | None:
        """The mail, if it is still held for the process that made it, and will be for the length of an attempt."""

    async def let_go_of_fresh(self, mail_id: UUID) -> None:
        """Make a mail due at once that its maker holds still, and has not tried."""

    async def claim_due(self, limit: int) -> Sequence[OutgoingMail]:
        """Hold up to `limit` mails that are due, the most recently due first; no other process gets them meanwhile."""

    async def accept(
        self,
        mail: OutgoingMail,
        provider: str,
        message_id: str | None,
        since_answer: Callable[[], timedelta],
    ) -> None:
        """The provider took it, and said so that long before it is written; the first acceptance counts."""

    async def retry(
        self, mail: OutgoingMail, after: timedelta, reason: str, *, maybe_sent_by: str | None = None
    ) -> None:
        """It was not taken, or nobody knows (`maybe_sent_by`): due again later."""

    async def fail(self, mail: OutgoingMail, reason: str) -> None:
        """It was refused for good: it will never be sent, and its code is void."""

    async def give_up(self, mail: OutgoingMail, reason: str) -> None:
        """It was not taken in time; if it may have arrived all the same, its code lives as long as it would."""

    async def drop(self, mail: OutgoingMail, reason: str) -> None:
        """Nobody wants it any more."""

    async def give_back(self, mails: Sequence[OutgoingMail], after: timedelta = timedelta()) -> None:
        """Let go of mails without having tried them: due at once, or later."""

    async def fail_overdue(self, age: timedelta, limit: int) -> int:
        """Fail up to `limit` mails of that age that nobody holds, for the reason that they last had; return how many."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a provider is given: one recipient, and bytes that are the same at every attempt."""

    id: UUID
    kind: MailKind
    to: EmailAddress
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    request_id: str | None


class Verdict(StrEnum):
    """What an attempt says about the mail, and about the provider."""

    ACCEPTED = "accepted"
    """Taken: never send it again."""
    RECIPIENT_REJECTED = "recipient-rejected"
    """Not taken and never will be, because of whom it is for; no other provider is asked."""
    MESSAGE_REJECTED = "message-rejected"
    """Not taken and never will be, because of what it is: a fault of ours."""
    PROVIDER_REFUSED = "provider-refused"
    """Not taken, nor will any be, until an operator or the clock mends the account."""
    RETRY = "retry"
    """Not taken now."""
    UNKNOWN = "unknown"
    """Perhaps taken: the answer was lost."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. `reason` is short, ours, and holds nothing of the provider's text nor of the mail."""

    verdict: Verdict
    reason: str
    message_id: str | None = None
    retry_after: timedelta | None = None
    """No sooner than this, says the provider."""


class MailApi(Protocol):
    """One mail provider."""

    @property
    def name(self) -> str: ...

    @property
    def recognises_repetitions(self) -> bool:
        """Whether a second send of the same mail here does not become a second mail."""

    async def send(self, message: Message) -> Outcome:
        """Make one attempt, within the client's time limits. Never raises for what the provider or network does."""


@dataclass(frozen=True, slots=True)
class Removal:
    """How far a purge is with one kind of rows."""

    kind: str
    count: int
    """Of rows removed so far."""
    share: float
    """From 0 to 1: where it is in time, between the oldest row and the cut-off."""
    seconds: float
    """What this batch took. Who rests as long before the next one leaves the database at least half of its time."""


Purge = Callable[[], AsyncGenerator[Removal, None]]
"""Remove what has run out: at each step one batch, each committed, so it may be left after any. Raises Unavailable."""

TakeTurn = Callable[[], Awaitable[bool]]
"""Whether what replicas take turns at is now due and this process is to do it, and no other. Raises Unavailable."""
