import asyncio
import contextlib
from collections.abc import AsyncIterator

from pymysql.err import OperationalError

from registration.adapters.mysql.connecting import connector
from registration.adapters.mysql.refusals import RETRY_AFTER, refusal_of
from registration.adapters.mysql.server import Server
from registration.domain.errors import Unavailable

CONNECT_SECONDS = 10
WAIT_SECONDS = 600


@contextlib.asynccontextmanager
async def hold_migration_lock(server: Server) -> AsyncIterator[None]:
    """Wait for other migrations of the same database, then keep them out; let go when the process dies.

    A Galera node knows only its own locks: there, migrate from one place. Raises Unavailable.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await connector(server, CONNECT_SECONDS)()
    except (OperationalError, TimeoutError) as error:
        raise refusal_of(error) or Unavailable(RETRY_AFTER) from None
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(
                "SET /*M! max_statement_time = 0, */ /*!80000 max_execution_time = 0, */ lock_wait_timeout = 600"
            )
            await cursor.execute("SELECT GET_LOCK(CONCAT(DATABASE(), '.migrate'), %s)", (WAIT_SECONDS,))
            if await cursor.fetchone() != (1,):
                raise Unavailable(RETRY_AFTER)
            yield
    finally:
        connection.close()
