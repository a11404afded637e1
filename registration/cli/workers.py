"""Processes that serve beside each other, and the parent that starts, replaces and stops them."""

import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import NoReturn

import structlog

from registration.cli.server import ASK_TO_STOP

STOP_SECONDS = 9.5
"""A worker takes nine at most; whoever stops us is told to give us ten."""

SHORT_LIFE_SECONDS = 60.0
PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Before a worker is replaced, in seconds: after the first short life in a row, the second, and so on."""

CANNOT_START = 3
"""The exit status of a worker that never came to serve."""

HEARD = {*ASK_TO_STOP, signal.SIGCHLD}

_FORK = multiprocessing.get_context("fork")

ServeAs = Callable[[int, int], bool]
"""Serve as the worker of that number, until told to stop or the pipe's other end is gone; False if it cannot."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class WorkersFailed(Exception):
    """The workers cannot do what they are for; the message says why."""


def hash_threads(number: int, count: int, processors: int) -> int:
    """How many of the processors the worker of that number hashes on, so that together they use each once."""
    return max(processors // count + (number <= processors % count), 1)


@dataclass(slots=True)
class _Place:
    """Where one worker at a time is."""

    number: int
    worker: BaseProcess | None = None
    start_at: float = 0.0
    started_at: float = 0.0
    starts: int = 0
    short_lives: int = 0


class Supervisor:
    """Keeps so many workers alive. It has no thread and no loop, for it forks; and does nothing that could fail."""

    def __init__(self, count: int, serve_as: ServeAs, listener: socket.socket) -> None:
        """`listener` is everybody's; its last copies are closed when it is time to stop."""
        self._places = [_Place(number) for number in range(1, count + 1)]
        self._serve_as = serve_as
        self._listener = listener
        self._lifeline, self._held = os.pipe()

    def run(self) -> None:
        """Return when told to stop, after all have stopped.

        Raises WorkersFailed if a worker cannot start, dies again and again, or does not stop.
        """
        with _deaf_to(HEARD):
            try:
                self._keep_alive()
            except BaseException:
                self._stop()
                raise
            if not self._stop():
                raise WorkersFailed("a worker did not stop in time and was killed")

    def _keep_alive(self) -> None:
        while True:
            for place in self._places:
                if place.worker is not None and place.worker.exitcode is not None:
                    self._let_go(place, place.worker, place.worker.exitcode)
                if place.worker is None and place.start_at <= time.monotonic():
                    self._start(place)
            if _next_signal(self._next_start()) in ASK_TO_STOP:
                return

    def _start(self, place: _Place) -> None:
        place.worker = _FORK.Process(target=self._be_worker, args=(place.number,))
        place.worker.start()
        place.started_at = time.monotonic()
        place.starts += 1
        log.info("worker_started", worker=place.number, pid=place.worker.pid)

    def _be_worker(self, number: int) -> NoReturn:
        os.close(self._held)
        structlog.contextvars.bind_contextvars(worker=number)
        sys.exit(0 if self._serve_as(number, self._lifeline) else CANNOT_START)

    def _let_go(self, place: _Place, worker: BaseProcess, status: int) -> None:
        """Say how it ended, and when the next one starts. Raises WorkersFailed if it makes no sense to go on."""
        log.warning("worker_ended", worker=place.number, pid=worker.pid, status=status)
        place.worker = None
        now = time.monotonic()
        if now - place.started_at >= SHORT_LIFE_SECONDS:
            place.short_lives = 0
        place.short_lives += 1
        if place.starts == 1 and status == CANNOT_START:
            raise WorkersFailed(f"worker {place.number} cannot start; see the log")
        if place.short_lives > len(PAUSES):
            raise WorkersFailed(
                f"worker {place.number} ended {place.short_lives} times, soon after its start; see the log"
            )
        place.start_at = now + PAUSES[place.short_lives - 1]

    def _next_start(self) -> float | None:
        """When somebody is to be started, by the monotonic clock; None if nobody is."""
        return min((place.start_at for place in self._places if place.worker is None), default=None)

    def _stop(self) -> bool:
        """Stop them all, and return whether they did so by themselves."""
        self._listener.close()  # or callers would queue at a door that nobody opens any more
        workers = [place.worker for place in self._places if place.worker is not None]
        deadline = time.monotonic() + STOP_SECONDS
        for worker in workers:
            worker.terminate()
        while any(worker.exitcode is None for worker in workers) and time.monotonic() < deadline:
            _next_signal(deadline)
        stuck = [worker for worker in workers if worker.exitcode is None]
        for worker in stuck:
            log.error("worker_killed", pid=worker.pid)
            worker.kill()
            worker.join()
        return not stuck


def _next_signal(until: float | None) -> int | None:
    """The next of those heard that comes until then, by the monotonic clock, or ever; None if there is none."""
    if until is None:
        return signal.sigwaitinfo(HEARD).si_signo
    heard = signal.sigtimedwait(HEARD, max(until - time.monotonic(), 0.0))
    return heard and heard.si_signo


@contextmanager
def _deaf_to(signals: set[signal.Signals]) -> Iterator[None]:
    """Nothing happens at a signal but that `_next_signal` returns it. Who is forked meanwhile is deaf, too."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
