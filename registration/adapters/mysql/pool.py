import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

import aiomysql

RECYCLE_SECONDS = 600

Connect = Callable[[], Awaitable[aiomysql.Connection]]


class Pool:
    """Connections at rest, to be lent one after the other. It bounds nothing: whoever borrows keeps to a number.

    The driver's own makes a task and takes a lock each time that a connection comes back, to wake up who waits; here
    nobody does.
    """

    def __init__(
        self, connect: Connect, connect_limit: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`connect_limit`: seconds until a connection stands, its greeting and session too."""
        self._connect = connect
        self._connect_limit = connect_limit
        self._monotonic = monotonic
        self._idle: deque[tuple[aiomysql.Connection, float]] = deque()
        self._lent: set[aiomysql.Connection] = set()

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def used(self) -> int:
        return len(self._lent)

    async def acquire(self) -> aiomysql.Connection:
        """Return the connection that came back last, so that those that nobody needs grow old; else a new one.

        Raises what the driver does, or TimeoutError.
        """
        connection = self._take() or await self._open()
        self._lent.add(connection)
        return connection

    def release(self, connection: aiomysql.Connection) -> None:
        """Take a connection back; one that is closed or still within a transaction is of no use any more."""
        if connection not in self._lent:  # `terminate` has closed it
            return
        self._lent.remove(connection)
        if not connection.closed and connection.get_transaction_status():
            connection.close()
        if not connection.closed:
            self._idle.append((connection, self._monotonic()))
        while self._idle and self._is_old(self._idle[0][1]):
            self._idle.popleft()[0].close()

    def terminate(self) -> None:
        """Close all, those that are lent too."""
        for connection in [*self._lent, *(connection for connection, _ in self._idle)]:
            connection.close()
        self._lent.clear()
        self._idle.clear()

    def _take(self) -> aiomysql.Connection | None:
        while self._idle:
            connection, since = self._idle.pop()
            if not connection.is_dead and not self._is_old(since):
                return connection
            connection.close()
        return None

    def _is_old(self, since: float) -> bool:
        return self._monotonic() - since > RECYCLE_SECONDS

    async def _open(self) -> aiomysql.Connection:
        async with asyncio.timeout(self._connect_limit):
            return await self._connect()
