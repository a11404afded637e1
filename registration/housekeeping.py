"""What the service does from time to time, beside requests and mails."""

import asyncio
import contextlib
import random
import time
from datetime import timedelta

import structlog

from registration.domain.errors import Unavailable
from registration.ports import Purge, TakeTurn

PURGE_EVERY = timedelta(hours=1)
RUN_SECONDS = 600.0
"""How long a purge may go on, so that it has ended when the next is due; what it leaves is left for that."""

ASK_SECONDS = 60.0

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Housekeeper:
    """Purges when it is this process's turn."""

    def __init__(self, purge: Purge, take_turn: TakeTurn) -> None:
        self._purge = purge
        self._take_turn = take_turn
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Ask for a turn again and again, until stopped."""
        while not self._stopping.is_set():
            try:
                if await self._take_turn():
                    await self.purge()
            except Unavailable:
                pass  # the database has logged it
            except Exception:
                log.exception("housekeeping_failed")
            await self._pause(random.uniform(0.5, 1.5) * ASK_SECONDS)  # noqa: S311 - jitter

    def stop(self) -> None:
        """Have `run` return, after the batch that is being removed."""
        self._stopping.set()

    async def purge(self) -> None:
        """Remove what has run out, for ten minutes at most, and say in the log what that was."""
        began_at = time.monotonic()
        counts: dict[str, int] = {}
        is_complete = False
        try:
            async with contextlib.aclosing(self._purge()) as removals:
                async for removal in removals:
                    counts[removal.kind] = removal.count
                    await self._pause(removal.seconds)
                    if self._stopping.is_set() or time.monotonic() - began_at > RUN_SECONDS:
                        break
                else:
                    is_complete = True
        finally:
            seconds = round(time.monotonic() - began_at, 1)
            log.info("purged", **counts, seconds=seconds, is_complete=is_complete)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
