"""Takes each event to everyone who subscribed, in tasks of their own: fire and forget, bounded, waited for at the end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from pyee.base import EventEmitter

E = TypeVar("E")

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class EventDispatcher:
    """pyee routes; the tasks, their names, their time limit and their failures are ours.

    pyee lets a synchronous listener's failure fail the publisher, reports an asynchronous one without saying whose
    it is, and waits only for the tasks that run when it is asked: so a listener here does no more than create a task.
    """

    def __init__(self, *, time_limit_seconds: float = 30, max_tasks: int = 1000) -> None:
        self._emitter = EventEmitter()
        self._time_limit_seconds = time_limit_seconds
        self._max_tasks = max_tasks
        self._tasks: set[asyncio.Task[None]] = set()

    def subscribe(self, event_type: type[E], handler: Callable[[E], Awaitable[None]]) -> None:
        """Have every event of exactly that type handled; at wiring time."""
        name = f"{event_type.__name__}->{type(handler).__name__}"

        def start(event: E) -> None:
            if len(self._tasks) >= self._max_tasks:
                log.warning("event_not_handled", task=name, reason="too many tasks in flight")
                return
            task = asyncio.get_running_loop().create_task(self._run(name, handler, event), name=name)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._emitter.on(event_type.__name__, start)

    def publish(self, event: object) -> None:
        """Start everyone who subscribed to the event's type, on the running loop; never fails and never waits."""
        name = type(event).__name__
        try:
            self._emitter.emit(name, event)
        except Exception:
            log.exception("event_not_published", name=name)

    async def drain(self, timeout_seconds: float) -> None:
        """Wait for what runs, and for what that starts; past the time limit name it, cancel it and see it end."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while self._tasks and (left := deadline - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        abandoned = list(self._tasks)
        for task in abandoned:
            log.warning("event_handler_abandoned", task=task.get_name())
            task.cancel()
        await asyncio.gather(*abandoned, return_exceptions=True)

    async def _run(self, name: str, handler: Callable[[Any], Awaitable[None]], event: object) -> None:
        try:
            async with asyncio.timeout(self._time_limit_seconds):
                await handler(event)
        except Exception:
            log.exception("event_handler_failed", task=name)
