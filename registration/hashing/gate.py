import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from registration.caller import CallerHungUp, current_caller
from registration.domain.errors import Overloaded
from registration.observability import metrics, tracing

R = TypeVar("R")

WAIT_SECONDS = 2.5
URGENT_SHARE = 3
"""Of the urgent this many start for one of the others, while both wait: neither starves."""

NICENESS = 19
"""Hash threads yield the processor to the event loop: its p99 lag is 1.7 ms beside them, 4.2 ms at equal rights."""

WEIGHT_OF_THE_LAST = 0.1


class HashingGate:
    """Runs as many hashes at once as there are processors. Who would wait too long is refused on arrival."""

    def __init__(
        self,
        *,
        threads: int | None = None,
        wait_seconds: float = WAIT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threads = threads or os.cpu_count() or 1
        self._executor = ThreadPoolExecutor(self._threads, "hash", initializer=_be_nice)
        self._wait_seconds = wait_seconds
        self._monotonic = monotonic
        self._running = 0
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._urgent_in_a_row = 0
        self._urgent_of_late = 0.0
        self._seconds_a_hash = 0.0
        self._begun_at: list[float] = []
        self._refused_at: float | None = None

    @property
    def threads(self) -> int:
        """How many hashes are computed at once, at most."""
        return self._threads

    @property
    def seconds_since_refusal(self) -> float | None:
        """How long ago somebody was refused; None if nobody was."""
        return None if self._refused_at is None else self._monotonic() - self._refused_at

    @property
    def running(self) -> int:
        """How many hashes are being computed."""
        return self._running

    def waiting(self, *, urgent: bool) -> int:
        """How many wait for their turn."""
        return len(self._urgent if urgent else self._others)

    def admit(self, *, urgent: bool) -> None:
        """Raise Overloaded if a hash asked for now would have to wait too long."""
        if self._expected_wait(urgent=urgent) > self._wait_seconds:
            metrics.HASHES_REFUSED.inc()
            self._refused_at = self._monotonic()
            raise Overloaded(timedelta(seconds=self._wait_seconds))

    async def run(self, work: Callable[[], R], *, urgent: bool = False) -> R:
        """Return what `work` returns, computed in a thread.

        Raises Overloaded, or CallerHungUp if the caller has gone before its turn came.
        """
        with tracing.span("hash") as span:
            began_at = time.perf_counter()
            self.admit(urgent=urgent)
            if self._running < self._threads:
                self._running += 1
            else:
                await self._wait_for_turn(self._urgent if urgent else self._others)
            span.set("registration.hash.waited_seconds", time.perf_counter() - began_at)
            # The thread goes on when its caller has been cancelled; so its place is free when it ends, and not before.
            future = asyncio.get_running_loop().run_in_executor(self._executor, _timed, work)
            begun_at = self._begin(urgent=urgent)
            future.add_done_callback(lambda _: self._end(begun_at))
            result, seconds = await asyncio.shield(future)
            span.set("registration.hash.computed_seconds", seconds)
        self._learn(seconds)
        return result

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _wait_for_turn(self, queue: deque[asyncio.Future[None]]) -> None:
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await _turn_or_gone(turn)
        except BaseException:
            if turn in queue:
                queue.remove(turn)
            else:  # it came in the same moment
                self._give_place_on()
            raise

    def _begin(self, *, urgent: bool) -> float:
        begun_at = self._monotonic()
        self._begun_at.append(begun_at)
        self._urgent_of_late += WEIGHT_OF_THE_LAST * (urgent - self._urgent_of_late)
        return begun_at

    def _end(self, begun_at: float) -> None:
        self._begun_at.remove(begun_at)
        self._give_place_on()

    def _give_place_on(self) -> None:
        """Let the next one in line have the place, or nobody."""
        queue = self._next_queue()
        if queue is None:
            self._running -= 1
        else:
            queue.popleft().set_result(None)

    def _next_queue(self) -> deque[asyncio.Future[None]] | None:
        if self._urgent and (not self._others or self._urgent_in_a_row < URGENT_SHARE):
            self._urgent_in_a_row += 1
            return self._urgent
        self._urgent_in_a_row = 0
        return self._others or None

    def _expected_wait(self, *, urgent: bool) -> float:
        """How long a newcomer would wait, in seconds, from those ahead of it and what a hash takes."""
        if self._running < self._threads:
            return 0.0
        ahead: float
        if urgent:
            ahead = len(self._urgent) + min(len(self._others), len(self._urgent) // URGENT_SHARE + 1)
        else:
            ahead = len(self._others) + min(len(self._urgent), (len(self._others) + 1) * URGENT_SHARE)
            # While it waits more of the urgent come, as they did of late, and go first.
            others_share = max(1 - self._urgent_of_late, 1 / (URGENT_SHARE + 1))
            ahead = max(ahead, len(self._others) / others_share)
        # Those that run may have taken longer already than any before: at the start, and when the machine gets busy.
        now = self._monotonic()
        seconds_a_hash = max(self._seconds_a_hash, now - min(self._begun_at, default=now))
        return ahead / self._threads * seconds_a_hash

    def _learn(self, seconds: float) -> None:
        metrics.HASH_SECONDS.observe(seconds)
        known = self._seconds_a_hash or seconds
        self._seconds_a_hash = known + WEIGHT_OF_THE_LAST * (seconds - known)


async def _turn_or_gone(turn: asyncio.Future[None]) -> None:
    """Return when the turn has come; raise CallerHungUp if the caller goes first."""
    wait_until_gone = current_caller()
    if wait_until_gone is None:
        await asyncio.wait({turn})
        return
    gone = asyncio.ensure_future(wait_until_gone())
    try:
        await asyncio.wait({turn, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    if not turn.done():
        metrics.HASHES_ABANDONED.inc()
        raise CallerHungUp


def _timed(work: Callable[[], R]) -> tuple[R, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def _be_nice() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
