import time
from collections.abc import Callable
from datetime import timedelta

from registration.adapters.mysql.database import Database
from registration.adapters.mysql.remembered import Remembered
from registration.ports import Backlog

_SELECT_BACKLOG = """
    SELECT COUNT(*), GREATEST(COALESCE(TIMESTAMPDIFF(MICROSECOND, MIN(created_at), UTC_TIMESTAMP(6)), 0), 0)
    FROM mails FORCE INDEX (due) WHERE due_at IS NOT NULL
"""
"""From the index `due` alone, in which both columns are; nothing settled is looked at, for it has no `due_at`.

No age is less than 0: clocks go back, and those of a cluster's nodes differ.
"""


class BacklogReader(Remembered[Backlog]):
    """A ReadBacklog."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(monotonic)
        self._database = database

    async def _ask(self) -> Backlog | None:
        rows = await self._database.ask(_SELECT_BACKLOG)
        if rows is None:
            return None
        [(mails, oldest_microseconds)] = rows
        return Backlog(mails, timedelta(microseconds=oldest_microseconds))
