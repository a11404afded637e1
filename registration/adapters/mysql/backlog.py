import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from registration.adapters.mysql.database import Database
from registration.ports import Backlog

REMEMBERED_SECONDS = 5.0

_SELECT_BACKLOG = """
    SELECT COUNT(*), COALESCE(TIMESTAMPDIFF(MICROSECOND, MIN(created_at), UTC_TIMESTAMP(6)), 0)
    FROM mails FORCE INDEX (due) WHERE due_at IS NOT NULL
"""
"""From the index `due` alone, in which both columns are; nothing settled is looked at, for it has no `due_at`."""


class BacklogReader:
    """Asks the database once in five seconds, however many look; a ReadBacklog."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._alone = asyncio.Lock()
        self._read_at: float | None = None
        self._backlog: Backlog | None = None

    async def __call__(self) -> Backlog | None:
        async with self._alone:
            if self._read_at is None or self._monotonic() - self._read_at >= REMEMBERED_SECONDS:
                self._backlog = await self._read()
                self._read_at = self._monotonic()
            return self._backlog

    async def _read(self) -> Backlog | None:
        rows = await self._database.ask(_SELECT_BACKLOG)
        if rows is None:
            return None
        [(mails, oldest_microseconds)] = rows
        return Backlog(mails, timedelta(microseconds=oldest_microseconds))
