"""The connection pool, made safe: bounded waits, time limits, whole transactions retried, the driver's errors named."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, TypeVar

import aiomysql
import structlog
from pymysql.err import InterfaceError, InternalError, MySQLError, OperationalError, ProgrammingError

from registration.adapters.mysql.connecting import connector
from registration.adapters.mysql.pool import Pool
from registration.adapters.mysql.refusals import RETRY_AFTER, describe, refusal_of
from registration.adapters.mysql.server import Server
from registration.adapters.mysql.statement_spans import statement_span
from registration.domain.errors import Unavailable
from registration.observability import metrics, tracing

R = TypeVar("R")
Row = Sequence[Any]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CONFLICTS = frozenset({1020, 1205, 1213})
"""Record changed since last read, lock wait timeout, deadlock or failed certification."""

OUTAGES = frozenset(
    {1040, 1047, 1053, 1077, 1158, 1159, 1160, 1161, 1180, 1203, 1226, 1290, 1317, 1927, 1969, 3024}
)
"""Too many connections, no quorum, shutting down, broken network, failed commit, read only, killed, out of time."""

TABLES_MISSING = frozenset({1146, 1054})
"""No such table, no such column."""

CLIENT_ERRORS = range(2000, 2100)
"""Numbers that the client library itself gives: cannot connect, connection lost."""

SERVER_ERRORS = range(1000, 2000)


class TablesMissingError(Exception):
    """The database has not the tables that this release works with; `python -m registration migrate` makes them."""


class ConflictError(Exception):
    """Somebody else changed what this transaction had read: begin again."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """In seconds. `work` is all of a read or a transaction, retries included; a request has one of each at most."""

    connect: float = 2.0
    acquire: float = 2.0
    statement: float = 3.0
    work: float = 4.0


@dataclass(frozen=True, slots=True)
class PoolUsage:
    """How many connections there are; `waiting`: how much work waits until one is free."""

    used: int
    idle: int
    limit: int
    waiting: int


class Connection:
    """One borrowed connection."""

    def __init__(self, raw: aiomysql.Connection, statement_limit: float) -> None:
        self._raw = raw
        self._statement_limit = statement_limit

    async def execute(self, sql: LiteralString, *args: object) -> int:
        """Run the statement; return how many rows it found (not: changed)."""
        found: int = (await self._run(sql, args)).rowcount
        return found

    async def fetch_all(self, sql: LiteralString, *args: object) -> Sequence[Row]:
        """Return all rows, which must be few: the driver parses them on the event loop."""
        rows: Sequence[Row] = await (await self._run(sql, args)).fetchall()
        return rows

    async def _run(self, sql: str, args: Sequence[object]) -> aiomysql.Cursor:
        with statement_span(sql) as span:
            try:
                async with asyncio.timeout(self._statement_limit):
                    cursor = await self._raw.cursor()
                    await cursor.execute(*_expand(sql, args))
                    return cursor
            except BaseException as error:
                if not _is_servers_word(error):
                    self._raw.close()  # an answer may be half read, and would be taken for the next statement's
                if isinstance(error, MySQLError):
                    span.fail(describe(error))
                    error.args = error.args[:1]  # the text quotes values; tracebacks show it
                raise


class Database:
    """Runs work on pooled connections, on so many at once and not more."""

    def __init__(self, pool: Pool, connections: int, limits: TimeLimits) -> None:
        self._pool = pool
        self._connections = connections
        self._limits = limits
        self._slots = asyncio.Semaphore(connections)
        self._waiting = 0

    @property
    def usage(self) -> PoolUsage:
        return PoolUsage(self._pool.used, self._pool.idle, self._connections, self._waiting)

    async def read(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        """Run statements that stand alone, each committed by itself, again from the beginning after a failure.

        So the work must bear repetition. Raises Unavailable.
        """
        return await self._with_retries(work)

    async def transact(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        """Run the work in one transaction: returning commits, raising rolls back.

        It starts again after a conflict, a lost connection, and a commit whose answer was lost. Raises Unavailable.
        """

        async def in_transaction(connection: Connection) -> R:
            with tracing.span("transaction"):
                await connection.execute("BEGIN")
                result = await work(connection)
                await connection.execute("COMMIT")
                return result

        return await self._with_retries(in_transaction)

    async def answers(self) -> bool:
        """Whether the database answers within a second."""
        return await self.ask("SELECT 1") is not None

    async def ask(self, sql: LiteralString) -> Sequence[Row] | None:
        """Return all rows, which must be few; None if they are not there within a second. Nothing is tried again."""
        return await self.try_once(lambda connection: connection.fetch_all(sql))

    async def try_once(self, work: Callable[[Connection], Awaitable[R]]) -> R | None:
        """Run statements that stand alone; None if they are not done within a second. Nothing is tried again."""
        try:
            async with asyncio.timeout(1), self._borrow() as connection:
                return await work(connection)
        except (InterfaceError, InternalError, OperationalError, OSError):
            return None

    async def _with_retries(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        last: Exception | None = None
        try:
            async with asyncio.timeout(self._limits.work):
                retries = 0
                while True:
                    try:
                        async with self._borrow() as connection:
                            return await work(connection)
                    except ProgrammingError as error:
                        if error.args[0] in TABLES_MISSING:
                            raise TablesMissingError from error
                        raise
                    except (ConflictError, InterfaceError, InternalError, OperationalError, OSError) as error:
                        if refusal := refusal_of(error):
                            _give_up(error, reason=refusal.reason)
                            raise refusal from None
                        if not _is_transient(error):
                            raise
                        last = error
                        retried = (
                            metrics.DATABASE_CONFLICTS if _is_conflict(error) else metrics.DATABASE_OUTAGES
                        )
                        retried.inc()
                        log.debug("database_retry", error=describe(error), retries=retries)
                    await asyncio.sleep(random.uniform(0, min(0.005 * 2**retries, 0.5)))  # noqa: S311 - jitter
                    retries += 1
        except TimeoutError as error:
            _give_up(last or error)
            raise Unavailable(RETRY_AFTER) from (last or error)

    @contextlib.asynccontextmanager
    async def _borrow(self) -> AsyncIterator[Connection]:
        await self._take_slot()
        try:
            raw = await self._pool.acquire()
            try:
                yield Connection(raw, self._limits.statement)
            except Exception:
                await self._roll_back(raw)
                raise
            except BaseException:
                raw.close()  # cancelled: a statement may be half way, and waiting for a rollback would hide that
                raise
            finally:
                self._pool.release(raw)
        finally:
            self._slots.release()

    async def _take_slot(self) -> None:
        if not self._slots.locked():
            await self._slots.acquire()  # at once
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.acquire):
                await self._slots.acquire()
        finally:
            self._waiting -= 1

    async def _roll_back(self, raw: aiomysql.Connection) -> None:
        if raw.closed or not raw.get_transaction_status():
            return
        try:
            with statement_span("ROLLBACK"):
                async with asyncio.timeout(self._limits.statement):
                    await raw.rollback()
        except (InterfaceError, OperationalError, OSError, TimeoutError):
            raw.close()

    async def close(self) -> None:
        """Close every connection, after those in use have come back or a short time has passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.acquire):
                for _ in range(self._connections):
                    await self._slots.acquire()
        self._pool.terminate()


@contextlib.asynccontextmanager
async def open_database(
    server: Server, *, connections: int = 10, limits: TimeLimits | None = None
) -> AsyncIterator[Database]:
    """Open the pool lazily: a database that is down now is an Unavailable later, not a failure here."""
    limits = limits or TimeLimits()
    pool = Pool(connector(server, limits.connect), limits.acquire)
    database = Database(pool, connections, limits)
    try:
        yield database
    finally:
        await database.close()


def _expand(sql: str, args: Sequence[object]) -> tuple[str, Sequence[object]]:
    """A placeholder for each value of a tuple: the driver's own way with tuples sends bytes as if they were text."""
    if not any(isinstance(arg, tuple) for arg in args):
        return sql, args
    head, *tail = sql.split("%s")
    flat: list[object] = []
    for index, arg in enumerate(args):
        values = arg if isinstance(arg, tuple) else (arg,)
        placeholders = ", ".join(["%s"] * len(values))
        head += (f"({placeholders})" if isinstance(arg, tuple) else placeholders) + tail[index]
        flat += values
    return head, flat


def _is_servers_word(error: BaseException) -> bool:
    """Whether the server has answered, with an error, and waits for the next statement."""
    return isinstance(error, MySQLError) and bool(error.args) and error.args[0] in SERVER_ERRORS


def _is_transient(error: Exception) -> bool:
    if isinstance(error, OSError | InterfaceError) or _is_conflict(error):
        return True
    number = error.args[0] if error.args else None
    return number in OUTAGES or number in CLIENT_ERRORS


def _is_conflict(error: Exception) -> bool:
    return isinstance(error, ConflictError) or bool(error.args and error.args[0] in CONFLICTS)


def _give_up(error: Exception, **why: str) -> None:
    metrics.DATABASE_UNAVAILABLE.inc()
    log.warning("database_unavailable", error=describe(error), **why)
