from datetime import timedelta

import structlog
from pymysql.err import IntegrityError

from registration.adapters.mysql.database import Connection, Database, TablesMissingError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class MySQLTurns:
    """A TakeTurn: a task is done by one process, and again when the time is over.

    Who moves the time that has come, or writes the first one, has the turn. That holds on a cluster, too, where locks of
    the server would not: of two changes of one row the second is refused.
    """

    def __init__(self, database: Database, task: str, every: timedelta) -> None:
        self._database = database
        self._task = task
        self._every = every
        self._has_complained = False

    async def __call__(self) -> bool:
        """Also False, and once a line in the log, where the table is missing."""
        try:
            return await self._database.read(self._take)
        except TablesMissingError:
            if not self._has_complained:
                log.warning("task_skipped", task=self._task, reason="tables are missing: run migrate")
            self._has_complained = True
            return False

    async def _take(self, connection: Connection) -> bool:
        return await self._move(connection) or (
            not await self._is_planned(connection) and await self._plan(connection)
        )

    async def _move(self, connection: Connection) -> bool:
        """Move a time that has come, or is so far away that the server's clock was wrong when it was written."""
        seconds = self._every.total_seconds()
        found = await connection.execute(
            """
            UPDATE housekeeping SET due_at = UTC_TIMESTAMP(6) + INTERVAL %s SECOND
            WHERE task = %s AND (due_at <= UTC_TIMESTAMP(6) OR due_at > UTC_TIMESTAMP(6) + INTERVAL %s SECOND)
            """,
            seconds,
            self._task,
            2
            * seconds,  # not once: who has waited for the row may have looked at the clock before its holder
        )
        return found == 1

    async def _is_planned(self, connection: Connection) -> bool:
        return bool(await connection.fetch_all("SELECT 1 FROM housekeeping WHERE task = %s", self._task))

    async def _plan(self, connection: Connection) -> bool:
        """Take the first turn, or the first after somebody has deleted the row."""
        try:
            await connection.execute(
                "INSERT INTO housekeeping (task, due_at) VALUES (%s, UTC_TIMESTAMP(6) + INTERVAL %s SECOND)",
                self._task,
                self._every.total_seconds(),
            )
        except IntegrityError:
            return False
        return True
