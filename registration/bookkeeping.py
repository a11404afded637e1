"""What became of those who registered, written down once that is known."""

import asyncio
import contextlib
import random

import structlog

from registration.domain.errors import Unavailable
from registration.observability import metrics
from registration.overview import Funnel

EVERY_SECONDS = 60.0
MINUTES_A_RUN = 120
"""After a night without any replica the day is settled again within a quarter of an hour, and nobody notices."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Bookkeeper:
    """Settles minute after minute. Every replica has one; which of them settles a minute makes no difference."""

    def __init__(self, funnel: Funnel) -> None:
        self._funnel = funnel
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Settle what can be, again and again, until stopped."""
        while not self._stopping.is_set():
            try:
                await self.settle()
            except Unavailable:
                pass  # the database has logged it
            except Exception:
                log.exception("bookkeeping_failed")
            with contextlib.suppress(TimeoutError):
                seconds = random.uniform(0.5, 1.5) * EVERY_SECONDS  # noqa: S311 - jitter
                await asyncio.wait_for(self._stopping.wait(), seconds)

    def stop(self) -> None:
        """Have `run` return, after the minute that is being settled."""
        self._stopping.set()

    async def settle(self) -> None:
        """Settle what can be settled now, two hours at most. Raises Unavailable."""
        for _ in range(MINUTES_A_RUN):
            minute = await self._funnel.next_minute()
            if minute is None or self._stopping.is_set():
                return
            cohort = await self._funnel.count(minute)
            if await self._funnel.add(cohort):
                metrics.EXPIRED_UNUSED.inc(cohort.counts.unused)
