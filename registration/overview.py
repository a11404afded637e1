"""What operators are told of all replicas together, as the database has it."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from registration.domain.mail import MailKind

MINUTE = timedelta(minutes=1)
HALF_HOUR = timedelta(minutes=30)
MINUTES, HALF_HOURS = 60, 48
"""Of an hour, of a day."""

WAITING_LIMIT = 1000
"""How many of the mails that wait are looked at."""


def minute_of(instant: datetime) -> datetime:
    """When it began."""
    return instant.replace(second=0, microsecond=0)


def half_hour_of(instant: datetime) -> datetime:
    return minute_of(instant) - timedelta(minutes=instant.minute % 30)


def first_minute_until(now: datetime) -> datetime:
    """Of the last sixty, this one included."""
    return minute_of(now) - (MINUTES - 1) * MINUTE


def first_half_hour_until(now: datetime) -> datetime:
    """Of the last forty-eight, likewise."""
    return half_hour_of(now) - (HALF_HOURS - 1) * HALF_HOUR


@dataclass(frozen=True, slots=True)
class Counts:
    """Registrations and mails, and what had become of them when that was settled.

    A registration is one address with one password, counted once, in the minute that it was made. When its first code can
    work no more it is settled, however many codes followed. Registrations of taken addresses are not among them; their
    mails, the notices, are among the mails.
    """

    registered: int = 0
    mailed: int = 0
    """Registrations of which a provider took a mail with a code."""
    activated: int = 0
    unused: int = 0
    """Registrations still pending: expired unused, once that is settled."""
    codes: int = 0
    notices: int = 0
    accepted: int = 0
    """Mails of both kinds, as the next two."""
    failed: int = 0
    dropped: int = 0

    @property
    def withdrawn(self) -> int:
        """Registrations that are gone: made anew with another password, or erased, be it before activation or after."""
        return self.registered - self.activated - self.unused

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Cohort:
    """What was made in a span of time."""

    begins_at: datetime
    counts: Counts
    is_settled: bool = True
    settled_part: Counts = Counts()
    """Of what is not settled as a whole, the minutes that are."""

    @property
    def settled(self) -> Counts:
        return self.counts if self.is_settled else self.settled_part


def total(cohorts: Iterable[Cohort]) -> Counts:
    """Of what is settled."""
    return sum((cohort.settled for cohort in cohorts), start=Counts())


class Funnel(Protocol):
    """The cohorts of minutes, each settled once, whichever replica does it."""

    async def next_minute(self) -> datetime | None:
        """The oldest minute of the last day that can be settled now and is not; None if there is none.

        Raises Unavailable, as the others.
        """

    async def count(self, minute: datetime) -> Cohort:
        """What became of the minute's registrations and mails."""

    async def add(self, cohort: Cohort) -> bool:
        """Settle a minute. False if another has been first, who then has the say."""


@dataclass(frozen=True, slots=True)
class WaitingMails:
    """Mails that are to be sent, for one reason."""

    reason: str | None
    """Why the last attempt failed; None if there was none yet."""
    mails: int


@dataclass(frozen=True, slots=True)
class FailedMail:
    """A mail that will not be sent."""

    id: UUID
    created_at: datetime
    kind: MailKind
    recipient: str | None
    """The address's digest, as the logs have it; None once it is erased."""
    provider: str | None
    attempts: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Overview:
    """All replicas' figures, as they were at `now`, by the database's clock."""

    now: datetime
    minutes: Sequence[Cohort]
    """The last sixty, oldest first, without those that were neither settled nor could be counted in time."""
    half_hours: Sequence[Cohort]
    """The last forty-eight, likewise; each of the minutes in it that are known."""
    waiting: Sequence[WaitingMails]
    """Of the thousand that are due first, the most frequent reason first."""
    failed: Sequence[FailedMail]
    """The newest of the last hour."""


ReadOverview = Callable[[], Awaitable[Overview | None]]
"""As it was at most some seconds ago; None if the database does not answer in time. Never fails nor waits long."""
