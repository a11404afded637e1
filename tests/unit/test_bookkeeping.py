import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from registration import bookkeeping
from registration.bookkeeping import MINUTES_A_RUN, Bookkeeper
from registration.domain.errors import Unavailable
from registration.overview import MINUTE, Cohort, Counts
from tests.readings import Readings

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
METRIC = "registration_expired_unused_total"
NO_TIME = 0.0
LONG = 3600.0


class FakeFunnel:
    """Minutes in each of which as many left as it has number; another replica may be faster."""

    def __init__(self, minutes: int, faster: Collection[int] = ()) -> None:
        self.settled: list[int] = []
        self.faults: list[Exception] = []
        self.when_done: Callable[[], None] = lambda: None
        self._minutes = minutes
        self._faster = faster

    async def next_minute(self) -> datetime | None:
        if self.faults:
            raise self.faults.pop(0)
        if len(self.settled) == self._minutes:
            self.when_done()
            return None
        return NOON + (len(self.settled) + 1) * MINUTE

    async def count(self, minute: datetime) -> Cohort:
        return Cohort(minute, Counts(unused=(minute - NOON) // MINUTE))

    async def add(self, cohort: Cohort) -> bool:
        self.settled.append(cohort.counts.unused)
        return cohort.counts.unused not in self._faster


async def run(funnel: FakeFunnel) -> None:
    bookkeeper = Bookkeeper(funnel)
    funnel.when_done = bookkeeper.stop
    async with asyncio.timeout(5):
        await bookkeeper.run()


@pytest.fixture(autouse=True)
def _no_time_between_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookkeeping, "EVERY_SECONDS", NO_TIME)


async def test_it_settles_one_minute_after_the_other_and_counts_who_left() -> None:
    funnel, before = FakeFunnel(minutes=3), Readings()
    await Bookkeeper(funnel).settle()
    assert funnel.settled == [1, 2, 3]
    assert before.moved(METRIC) == 6


async def test_who_left_in_a_minute_that_another_was_faster_to_settle_is_not_counted_again() -> None:
    funnel, before = FakeFunnel(minutes=3, faster={2}), Readings()
    await Bookkeeper(funnel).settle()
    assert funnel.settled == [1, 2, 3]
    assert before.moved(METRIC) == 4


async def test_a_run_has_an_end_and_the_next_goes_on() -> None:
    funnel = FakeFunnel(minutes=MINUTES_A_RUN + 5)
    bookkeeper = Bookkeeper(funnel)
    await bookkeeper.settle()
    assert len(funnel.settled) == MINUTES_A_RUN
    await bookkeeper.settle()
    assert len(funnel.settled) == MINUTES_A_RUN + 5


@pytest.mark.parametrize(
    "fault, complaints",
    [
        pytest.param(Unavailable(timedelta(seconds=2)), 0, id="of the database, which says so itself"),
        pytest.param(RuntimeError("that nobody thought of"), 2, id="of ours"),
    ],
)
async def test_it_goes_on_whatever_happens(fault: Exception, complaints: int) -> None:
    funnel = FakeFunnel(minutes=3)
    funnel.faults = [fault, fault]
    with capture_logs() as logs:
        await run(funnel)
    assert funnel.settled == [1, 2, 3]
    assert [line["event"] for line in logs] == ["bookkeeping_failed"] * complaints


async def test_told_to_stop_it_settles_no_other_minute() -> None:
    funnel = FakeFunnel(minutes=100)
    bookkeeper = Bookkeeper(funnel)
    bookkeeper.stop()
    await bookkeeper.settle()
    assert funnel.settled == []


async def test_told_to_stop_between_runs_it_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookkeeping, "EVERY_SECONDS", LONG)
    funnel, settled = FakeFunnel(minutes=0), asyncio.Event()
    funnel.when_done = settled.set
    bookkeeper = Bookkeeper(funnel)
    running = asyncio.create_task(bookkeeper.run())
    await settled.wait()

    bookkeeper.stop()

    async with asyncio.timeout(5):
        await running
