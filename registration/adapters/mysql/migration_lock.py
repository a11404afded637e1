import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import aiomysql
from pymysql.err import OperationalError

from registration.adapters.mysql.database import TimeLimits, connect_arguments
from registration.adapters.mysql.server import Server
from registration.domain.errors import Unavailable

WAIT_SECONDS = 600


@contextlib.asynccontextmanager
async def hold_migration_lock(server: Server) -> AsyncIterator[None]:
    """Wait for other migrations of the same database, then keep them out; let go when the process dies.

    A Galera node knows only its own locks: there, migrate from one place. Raises Unavailable.
    """
    try:
        connection = await aiomysql.connect(**connect_arguments(server, TimeLimits()))
    except OperationalError as error:
        raise Unavailable(timedelta(seconds=2)) from error
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(
                "SET /*M! max_statement_time = 0, */ /*!80000 max_execution_time = 0, */ lock_wait_timeout = 600"
            )
            await cursor.execute("SELECT GET_LOCK(CONCAT(DATABASE(), '.migrate'), %s)", (WAIT_SECONDS,))
            if await cursor.fetchone() != (1,):
                raise Unavailable(timedelta(seconds=2))
            yield
    finally:
        connection.close()
