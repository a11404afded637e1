import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from registration.caller import CallerHungUp, caller_bound
from registration.domain.errors import Overloaded
from registration.hashing.gate import HashingGate
from tests.readings import Readings


class Job:
    """Work that lasts until it is told to end."""

    def __init__(self, name: str = "job", began: list[str] | None = None) -> None:
        self.name = name
        self.began = began if began is not None else []
        self.may_end = threading.Event()

    def __call__(self) -> str:
        self.began.append(self.name)
        assert self.may_end.wait(5)
        return self.name


@pytest.fixture
async def gate() -> AsyncIterator[HashingGate]:
    gate = HashingGate(threads=1)
    yield gate
    gate.close()


async def until_idle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def occupy(gate: HashingGate, *, seconds_a_hash: float = 0.0) -> tuple[Job, asyncio.Task[str]]:
    """Have the one thread busy, and a history of hashes that took so long."""
    gate._seconds_a_hash = seconds_a_hash
    job = Job()
    task = asyncio.create_task(gate.run(job))
    await until_idle()
    return job, task


async def test_the_loop_goes_on_while_a_thread_works(gate: HashingGate) -> None:
    job, task = await occupy(gate)
    job.may_end.set()
    assert await task == "job"


async def test_as_many_run_at_once_as_there_are_threads() -> None:
    gate, began = HashingGate(threads=2), list[str]()
    jobs = [Job(f"{number}", began) for number in range(4)]
    tasks = [asyncio.create_task(gate.run(job)) for job in jobs]
    jobs[0].may_end.set()
    await tasks[0]
    assert len(began) <= 3
    for job in jobs:
        job.may_end.set()
    assert await asyncio.gather(*tasks) == ["0", "1", "2", "3"]
    gate.close()


async def test_who_would_wait_too_long_is_refused_on_arrival(gate: HashingGate) -> None:
    job, task = await occupy(gate, seconds_a_hash=1.0)
    waiting = [asyncio.create_task(gate.run(lambda: None)) for _ in range(3)]
    await until_idle()
    with pytest.raises(Overloaded) as refusal:
        gate.admit(urgent=False)
    assert refusal.value.retry_after.total_seconds() >= 1
    job.may_end.set()
    await asyncio.gather(task, *waiting)
    gate.admit(urgent=False)


async def test_the_urgent_are_still_let_in_when_the_others_are_refused(gate: HashingGate) -> None:
    job, task = await occupy(gate, seconds_a_hash=1.0)
    waiting = [asyncio.create_task(gate.run(lambda: None)) for _ in range(3)]
    await until_idle()
    with pytest.raises(Overloaded):
        gate.admit(urgent=False)
    gate.admit(urgent=True)
    job.may_end.set()
    await asyncio.gather(task, *waiting)


async def test_while_urgent_ones_keep_coming_the_others_are_refused_sooner(gate: HashingGate) -> None:
    for _ in range(50):
        await gate.run(lambda: None, urgent=True)
    job, task = await occupy(gate, seconds_a_hash=1.0)
    waiting = asyncio.create_task(gate.run(lambda: None))
    await until_idle()
    with pytest.raises(Overloaded):
        gate.admit(urgent=False)
    gate.admit(urgent=True)
    job.may_end.set()
    await asyncio.gather(task, waiting)


async def test_a_hash_that_takes_long_counts_before_it_has_ended() -> None:
    now = [0.0]
    gate = HashingGate(threads=1, monotonic=lambda: now[0])
    job, task = await occupy(gate)
    waiting = asyncio.create_task(gate.run(lambda: None))
    await until_idle()
    now[0] = 2.0
    gate.admit(urgent=False)
    now[0] = 3.0
    with pytest.raises(Overloaded):
        gate.admit(urgent=False)
    job.may_end.set()
    await asyncio.gather(task, waiting)

    another, task = await occupy(gate)
    waiting = asyncio.create_task(gate.run(lambda: None))
    await until_idle()
    gate.admit(urgent=False)
    another.may_end.set()
    await asyncio.gather(task, waiting)
    gate.close()


async def test_three_urgent_ones_start_for_one_of_the_others(gate: HashingGate) -> None:
    job, task = await occupy(gate)
    order: list[str] = []
    others = [asyncio.create_task(gate.run(lambda: order.append("other"))) for _ in range(3)]
    urgent = [asyncio.create_task(gate.run(lambda: order.append("urgent"), urgent=True)) for _ in range(6)]
    await until_idle()
    job.may_end.set()
    await asyncio.gather(task, *others, *urgent)
    assert order == ["urgent"] * 3 + ["other"] + ["urgent"] * 3 + ["other"] * 2


async def test_a_cancelled_caller_keeps_the_place_until_the_thread_is_done(gate: HashingGate) -> None:
    job, task = await occupy(gate)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    began: list[str] = []
    second = asyncio.create_task(gate.run(lambda: began.append("second")))
    await until_idle()
    assert began == []
    job.may_end.set()
    await second


async def test_who_is_cancelled_in_the_queue_leaves_it(gate: HashingGate) -> None:
    job, task = await occupy(gate)
    given_up = asyncio.create_task(gate.run(lambda: None))
    await until_idle()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    job.may_end.set()
    await task
    assert await gate.run(lambda: 42) == 42


async def test_nobody_who_hung_up_is_hashed_for(gate: HashingGate) -> None:
    job, task = await occupy(gate)
    gone = asyncio.Event()
    hashed: list[str] = []

    async def wait_until_gone() -> None:
        await gone.wait()

    async def call() -> None:
        with caller_bound(wait_until_gone):
            await gate.run(lambda: hashed.append("for nobody"))

    caller = asyncio.create_task(call())
    await until_idle()
    gone.set()
    with pytest.raises(CallerHungUp):
        await caller
    job.may_end.set()
    await task
    assert await gate.run(lambda: 42) == 42
    assert hashed == []


async def test_a_caller_who_stays_is_hashed_for(gate: HashingGate) -> None:
    job, task = await occupy(gate)

    async def never() -> None:
        await asyncio.Event().wait()

    async def call() -> int:
        with caller_bound(never):
            return await gate.run(lambda: 42)

    caller = asyncio.create_task(call())
    await until_idle()
    job.may_end.set()
    await task
    assert await caller == 42


async def test_failing_work_gives_its_place_on(gate: HashingGate) -> None:
    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await gate.run(fail)
    assert await gate.run(lambda: 42) == 42


async def test_each_hash_is_timed_in_the_figures(gate: HashingGate) -> None:
    readings = Readings()
    await asyncio.gather(*(gate.run(lambda: None) for _ in range(3)))
    assert readings.moved("registration_hash_seconds_count") == 3


async def test_who_is_refused_and_who_hangs_up_is_counted(gate: HashingGate) -> None:
    readings = Readings()
    job, task = await occupy(gate, seconds_a_hash=1.0)

    async def wait_until_gone() -> None:
        pass

    with caller_bound(wait_until_gone), pytest.raises(CallerHungUp):
        await gate.run(lambda: None)
    assert readings.moved("registration_hashes_abandoned_total") == 1
    assert readings.moved("registration_hashes_refused_total") == 0

    waiting = [asyncio.create_task(gate.run(lambda: None)) for _ in range(3)]
    await until_idle()
    with pytest.raises(Overloaded):
        await gate.run(lambda: None)
    assert readings.moved("registration_hashes_refused_total") == 1
    job.may_end.set()
    await asyncio.gather(task, *waiting)
