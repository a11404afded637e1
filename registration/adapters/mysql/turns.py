from datetime import timedelta

import structlog
from pymysql.err import IntegrityError

from registration.adapters.mysql.database import Connection, Database, TablesMissingError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class MySQLTurns:
    """A TakeTurn: a task is done by one process, and again when the time is over.

    Who moves the time that has come has the turn. That holds on a cluster, too, where locks of the server would not: of
    two changes of one row the second is refused.
    """

    def __init__(self, database: Database, task: str, every: timedelta) -> None:
        self._database = database
        self._task = task
        self._every = every
        self._is_planned = False
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
        if not self._is_planned:
            await self._plan(connection)
            self._is_planned = True
        found = await connection.execute(
            """
            UPDATE housekeeping SET due_at = UTC_TIMESTAMP(6) + INTERVAL %s SECOND
            WHERE task = %s AND due_at <= UTC_TIMESTAMP(6)
            """,
            self._every.total_seconds(),
            self._task,
        )
        return found == 1

    async def _plan(self, connection: Connection) -> None:
        """Have a row for the task, due at once, unless there is one."""
        try:
            await connection.execute(
                "INSERT INTO housekeeping (task, due_at) VALUES (%s, UTC_TIMESTAMP(6))", self._task
            )
        except IntegrityError:
            return
