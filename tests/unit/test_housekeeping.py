import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from registration import housekeeping
from registration.domain.errors import Unavailable
from registration.housekeeping import Housekeeper
from registration.ports import Removal

NO_TIME = 0.0
LONG = 3600.0


class FakePurge:
    """Removes a row a batch; says what it did."""

    def __init__(self, batches: int, seconds: float = NO_TIME) -> None:
        self.runs = 0
        self.removed = 0
        self.fault: Exception | None = None
        self.began = asyncio.Event()
        self._batches = batches
        self._seconds = seconds

    async def __call__(self) -> AsyncGenerator[Removal, None]:
        self.runs += 1
        for number in range(1, self._batches + 1):
            if self.fault and number > 1:
                raise self.fault
            self.removed += 1
            self.began.set()
            yield Removal("mails", number, number / self._batches, self._seconds)


class Turns:
    """A TakeTurn with answers prepared; when they have all been given, the housekeeper is told to stop."""

    def __init__(self, *answers: bool | Exception) -> None:
        self._answers = list(answers)
        self.when_given: Callable[[], None] = lambda: None

    async def __call__(self) -> bool:
        if not self._answers:
            self.when_given()
            return False
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def run(purge: FakePurge, turns: Turns) -> None:
    housekeeper = Housekeeper(purge, turns)
    turns.when_given = housekeeper.stop
    async with asyncio.timeout(5):
        await housekeeper.run()


@pytest.fixture(autouse=True)
def _no_time_between_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "ASK_SECONDS", NO_TIME)


async def test_it_purges_when_it_has_the_turn_and_not_else() -> None:
    purge = FakePurge(batches=3)
    await run(purge, Turns(False, True, False, True, False))
    assert (purge.runs, purge.removed) == (2, 6)


async def test_what_was_removed_is_one_line_in_the_log() -> None:
    with capture_logs() as logs:
        await run(FakePurge(batches=3), Turns(True))
    (line,) = logs
    assert (line["event"], line["mails"], line["is_complete"]) == ("purged", 3, True)
    assert line["seconds"] >= 0


@pytest.mark.parametrize(
    "fault, complaints",
    [
        pytest.param(Unavailable(timedelta(seconds=2)), 0, id="of the database, which says so itself"),
        pytest.param(RuntimeError("that nobody thought of"), 4, id="of ours"),
    ],
)
async def test_it_goes_on_asking_whatever_happens(fault: Exception, complaints: int) -> None:
    purge = FakePurge(batches=3)
    purge.fault = fault
    with capture_logs() as logs:
        await run(purge, Turns(fault, True, fault, True))
    assert purge.runs == 2
    purged = [line for line in logs if line["event"] == "purged"]
    assert [(line["mails"], line["is_complete"]) for line in purged] == [(1, False)] * 2
    assert len(logs) - len(purged) == complaints


async def test_a_purge_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "RUN_SECONDS", NO_TIME)
    purge = FakePurge(batches=100)
    with capture_logs() as logs:
        await Housekeeper(purge, Turns()).purge()
    assert purge.removed == 1
    assert logs[0]["is_complete"] is False


async def test_told_to_stop_it_begins_no_other_batch_and_does_not_wait_for_the_time_of_the_next() -> None:
    purge = FakePurge(batches=100, seconds=LONG)
    housekeeper = Housekeeper(purge, Turns(True))
    running = asyncio.create_task(housekeeper.run())
    await purge.began.wait()

    housekeeper.stop()

    async with asyncio.timeout(5):
        await running
    assert purge.removed == 1


async def test_told_to_stop_between_turns_it_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "ASK_SECONDS", LONG)
    asked = asyncio.Event()

    async def take_turn() -> bool:
        asked.set()
        return False

    housekeeper = Housekeeper(FakePurge(batches=1), take_turn)
    running = asyncio.create_task(housekeeper.run())
    await asked.wait()

    housekeeper.stop()

    async with asyncio.timeout(5):
        await running


async def test_it_rests_as_long_as_a_batch_took() -> None:
    """So that the database has half of its time for others."""
    purge = FakePurge(batches=2, seconds=LONG)
    running = asyncio.create_task(Housekeeper(purge, Turns()).purge())
    await purge.began.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert purge.removed == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
