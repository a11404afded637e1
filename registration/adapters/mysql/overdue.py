import time
from collections.abc import Callable
from datetime import timedelta

from registration.adapters.mysql.database import Connection, Database
from registration.adapters.mysql.remembered import Remembered

_SELECT_OVERDUE = """
    SELECT TIMESTAMPDIFF(MICROSECOND, LEAST(
        COALESCE((SELECT MIN(registered_at) FROM accounts FORCE INDEX (retention) WHERE kind = 'registration'), now.at),
        COALESCE((SELECT MIN(created_at) FROM mails FORCE INDEX (retention)), now.at)
    ), now.at) FROM (SELECT UTC_TIMESTAMP(6) AS at) AS now
"""
"""From the beginnings of two indexes: how old the oldest is that does not stay for ever."""


class OverdueReader(Remembered[timedelta]):
    """A ReadOverdue. It looks at what is still there, not at who purged when: no way for a purge to fail is missed."""

    def __init__(
        self, database: Database, retention: timedelta, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(monotonic)
        self._database = database
        self._retention = retention

    async def _ask(self) -> timedelta | None:
        return await self._database.try_once(self._read)

    async def _read(self, connection: Connection) -> timedelta:
        [(microseconds,)] = await connection.fetch_all(_SELECT_OVERDUE)
        return max(timedelta(microseconds=microseconds) - self._retention, timedelta())
