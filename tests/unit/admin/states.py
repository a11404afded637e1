"""The service in several states, for the status page to show."""

import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from prometheus_client.samples import Sample

from registration.admin.figures import Figures, Pace, ProcessState, ProviderFailure, ProviderState
from registration.domain.mail import MailKind
from registration.observability.snapshot import Snapshot
from registration.overview import (
    HALF_HOUR,
    HALF_HOURS,
    MINUTE,
    MINUTES,
    Cohort,
    Counts,
    FailedMail,
    Overview,
    WaitingMails,
    first_half_hour_until,
    first_minute_until,
)
from registration.ports import Backlog, Verdict

T = TypeVar("T")

NOW = datetime(2026, 11, 22, 20, 14, 37, tzinfo=UTC)
NOTHING_WAITS = Backlog(0, timedelta())
NOTHING_OVERDUE = timedelta()
LIVE_MINUTES = 13

WELL = ProviderState(
    "postmark", is_down=False, breaker_is_open=False, next_attempt_in=timedelta(), last_failure=None
)
REFUSED = ProviderState(
    "postmark",
    is_down=True,
    breaker_is_open=True,
    next_attempt_in=timedelta(seconds=17),
    last_failure=ProviderFailure(Verdict.PROVIDER_REFUSED, "401 10", timedelta(seconds=13)),
)
DOWN = ProviderState(
    "ses",
    is_down=True,
    breaker_is_open=True,
    next_attempt_in=timedelta(seconds=3.2),
    last_failure=ProviderFailure(Verdict.RETRY, "no connection", timedelta(seconds=1.8)),
)
QUIET = ProcessState(providers=[WELL], hash_threads=2, since_hash_refused=None, is_stopping=False)
NOBODY = Overview(NOW, minutes=[], half_hours=[], waiting=[], failed=[])


def cohorts(first: datetime, length: timedelta, number: int, size: float, seed: int) -> list[Cohort]:
    """As they are on a usual day, of about that size; the newest are not settled."""
    chance = random.Random(seed)
    made = []
    for place in range(number):
        is_settled = length > MINUTE or place < number - LIVE_MINUTES
        registered = round(size * chance.uniform(0.5, 1.6))
        mailed = min(registered, round(registered * chance.uniform(0.96, 1.02)))
        activated = round(mailed * chance.uniform(0.7, 0.9) * (1 if is_settled else (number - place) / 14))
        withdrawn = round((registered - activated) * chance.uniform(0, 0.3))
        counts = Counts(
            registered,
            mailed,
            activated,
            registered - activated - withdrawn,
            codes=round(registered * 1.1),
            notices=chance.choice([0, 0, 1]),
            accepted=mailed,
            failed=registered - mailed,
        )
        made.append(Cohort(first + place * length, counts, is_settled))
    if length > MINUTE:
        made[-1] = Cohort(made[-1].begins_at, made[-1].counts, is_settled=False)
    return made


def busy(
    *, size: float = 14, failed: Sequence[FailedMail] = (), waiting: Sequence[WaitingMails] = ()
) -> Overview:
    """`size` is about how many register in a minute."""
    return Overview(
        NOW,
        cohorts(first_minute_until(NOW), MINUTE, MINUTES, size, seed=1),
        cohorts(first_half_hour_until(NOW), HALF_HOUR, HALF_HOURS, 23 * size, seed=2),
        waiting,
        failed,
    )


def failed_mails(number: int) -> Sequence[FailedMail]:
    reasons = ("no such mailbox", "no connection", "out of time", "status 503")
    chance = random.Random(3)
    return [
        FailedMail(
            UUID(int=chance.getrandbits(128), version=4),
            NOW - timedelta(seconds=90 + 211 * place),
            MailKind.ADDRESS_TAKEN if place == 1 else MailKind.ACTIVATION_CODE,
            None if place == 2 else f"{chance.getrandbits(48):012x}",
            "postmark",
            1 + 3 * (place % 2),
            reasons[place % 4],
        )
        for place in range(number)
    ]


class Metrics(Snapshot):
    """What a test says."""

    def __init__(self, *samples: Sample) -> None:
        self._samples = list(samples)


def figures(
    *,
    backlog: Backlog | None = NOTHING_WAITS,
    overdue: timedelta | None = NOTHING_OVERDUE,
    overview: Overview | None = NOBODY,
    process: ProcessState = QUIET,
    metrics: Sequence[Sample] = (),
) -> Figures:
    """All well, but for what is said."""
    pace = Pace(timedelta(seconds=60), hashes=90, seconds_a_hash=0.25)
    return Figures(backlog, overdue, overview, process, Metrics(*metrics), pace, timedelta(days=3, hours=4))


def read_always(value: T) -> Callable[[], Awaitable[T]]:
    async def read() -> T:
        return value

    return read
