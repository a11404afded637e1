import asyncio
import contextlib
import random
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import LiteralString

import pytest
from pymysql.err import MySQLError, ProgrammingError
from structlog.testing import capture_logs

from config.settings import parse_database_url
from registration.adapters.mysql.database import (
    ConflictError,
    Connection,
    Database,
    PoolUsage,
    TimeLimits,
    open_database,
)
from registration.domain.errors import Unavailable
from registration.gauges import show_gauges
from registration.hashing.gate import HashingGate
from tests.readings import Readings, reading
from tools.private_mariadb import PrivateServer, throwaway_server

ADDRESS = "ann@example.org"
IMPATIENT = TimeLimits(connect=0.5, acquire=0.3, statement=0.5, work=0.8)


@pytest.fixture(scope="module")
def server() -> Iterator[PrivateServer]:
    with throwaway_server() as server:
        yield server


@pytest.fixture
async def database(server: PrivateServer) -> AsyncIterator[Database]:
    async with open_database(parse_database_url(server.url()), connections=3, limits=IMPATIENT) as database:
        await database.read(make_counters)
        yield database
        await database.read(drop_counters)


async def make_counters(connection: Connection) -> None:
    await connection.execute("CREATE TABLE counters (id INT PRIMARY KEY, value INT NOT NULL)")
    await connection.execute("INSERT INTO counters VALUES (1, 0), (2, 0)")


async def drop_counters(connection: Connection) -> None:
    await connection.execute("DROP TABLE counters")


async def increment(connection: Connection) -> None:
    await connection.execute("UPDATE counters SET value = value + 1 WHERE id = 1")


async def value_of(database: Database, counter: int = 1) -> int:
    async def read(connection: Connection) -> int:
        rows = await connection.fetch_all("SELECT value FROM counters WHERE id = %s", counter)
        value: int = rows[0][0]
        return value

    return await database.read(read)


async def hang(connection: Connection) -> None:
    await connection.fetch_all("SELECT SLEEP(30)")


async def test_returning_commits(database: Database) -> None:
    await database.transact(increment)
    assert await value_of(database) == 1


async def test_raising_rolls_back_and_gives_the_connection_back(database: Database) -> None:
    async def fail(connection: Connection) -> None:
        await increment(connection)
        raise KeyError

    for _ in range(10):
        with pytest.raises(KeyError):
            await database.transact(fail)
    assert await value_of(database) == 0


async def test_a_conflict_runs_the_whole_work_again(database: Database) -> None:
    runs = 0

    async def conflict_once(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        await increment(connection)
        if runs == 1:
            raise ConflictError

    await database.transact(conflict_once)
    assert (runs, await value_of(database)) == (2, 1)


async def test_a_real_deadlock_is_survived_by_both(database: Database) -> None:
    both_hold_one = asyncio.Barrier(2)
    meetings = 0

    async def lock(connection: Connection, first: int, second: int) -> None:
        nonlocal meetings
        await connection.execute("UPDATE counters SET value = value + 1 WHERE id = %s", first)
        if meetings < 2:
            meetings += 1
            await both_hold_one.wait()
        await connection.execute("UPDATE counters SET value = value + 1 WHERE id = %s", second)

    await asyncio.gather(
        database.transact(lambda connection: lock(connection, 1, 2)),
        database.transact(lambda connection: lock(connection, 2, 1)),
    )
    assert (await value_of(database, 1), await value_of(database, 2)) == (2, 2)


async def test_an_endless_conflict_ends_as_unavailable(database: Database) -> None:
    async def conflict(_: Connection) -> None:
        raise ConflictError

    with pytest.raises(Unavailable):
        await database.transact(conflict)


async def test_an_exhausted_pool_is_unavailable_and_not_a_hang(database: Database) -> None:
    outcomes = await asyncio.gather(*(database.read(hang) for _ in range(6)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 6
    await database.transact(increment)


async def test_cancelled_work_never_leaves_a_connection_half_way_or_lost(database: Database) -> None:
    chance = random.Random(1)
    for _ in range(100):
        tasks = [asyncio.create_task(database.transact(increment)) for _ in range(5)]
        for _ in range(chance.randrange(30)):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    before = await value_of(database)
    await asyncio.gather(*(database.transact(increment) for _ in range(10)))
    assert await value_of(database) == before + 10


async def test_a_read_sees_what_another_connection_has_committed(database: Database) -> None:
    assert await value_of(database) == 0
    await asyncio.gather(*(database.transact(increment) for _ in range(6)))
    assert await value_of(database) == 6


async def test_bytes_come_back_as_they_went(database: Database) -> None:
    """PyMySQL 1.2 breaks this in aiomysql 0.3.2; the pin in the Pipfile can go when it passes without."""
    everything = bytes(range(256))

    async def echo(connection: Connection) -> bytes:
        rows = await connection.fetch_all("SELECT %s", everything)
        echoed: bytes = rows[0][0]
        return echoed

    assert await database.read(echo) == everything


async def test_a_frozen_server_is_unavailable_in_time_and_used_again_when_it_thaws(
    server: PrivateServer, database: Database
) -> None:
    server.pause()
    try:
        async with asyncio.timeout(3):
            with pytest.raises(Unavailable):
                await database.transact(increment)
            assert not await database.answers()
    finally:
        server.resume()
    assert await database.answers()
    await database.transact(increment)


async def test_a_server_that_was_killed_is_used_again_when_it_is_back(
    server: PrivateServer, database: Database
) -> None:
    await database.transact(increment)
    server.kill()
    with pytest.raises(Unavailable):
        await database.transact(increment)
    server.start()
    await database.transact(increment)
    assert await value_of(database) == 2


async def test_the_log_says_why_work_was_given_up_by_kind_and_number_only(
    server: PrivateServer, database: Database
) -> None:
    server.kill()
    with capture_logs() as log, pytest.raises(Unavailable):
        await database.transact(increment)
    server.start()
    told = [line for line in log if line["event"] == "database_unavailable"]
    assert [line["error"] for line in told] == ["OperationalError 2003 (ConnectionRefusedError)"]

    with capture_logs() as log, pytest.raises(Unavailable):
        await database.read(hang)
    assert [line["error"] for line in log if line["event"] == "database_unavailable"] == ["TimeoutError"]


async def test_closing_does_not_wait_for_ever_for_work_that_hangs(server: PrivateServer) -> None:
    async with asyncio.timeout(5):
        async with open_database(
            parse_database_url(server.url()), connections=1, limits=replace(IMPATIENT, work=30, statement=30)
        ) as database:
            hanging = asyncio.create_task(database.read(hang))
            await asyncio.sleep(0.1)
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)


async def test_an_answer_that_cannot_be_read_spoils_no_other_statement(server: PrivateServer) -> None:
    """A column without a name is called by its expression; this one is no UTF-8."""

    async def unreadable(connection: Connection) -> None:
        await connection.fetch_all("SELECT 1 = %s", b"\xed\xa0\x80")

    async with open_database(parse_database_url(server.url()), connections=1, limits=IMPATIENT) as database:
        with pytest.raises(UnicodeDecodeError):
            await database.read(unreadable)
        assert await database.answers()


async def test_wrong_sql_is_our_fault_and_said_so(database: Database) -> None:
    async def wrong(connection: Connection) -> None:
        await connection.execute("SELEKT 1")

    with pytest.raises(ProgrammingError, match="1064"):
        await database.read(wrong)


@pytest.mark.parametrize("sql", ["SELEKT %s", "INSERT INTO counters VALUES (%s, 0)"])
async def test_a_fault_of_ours_is_told_without_the_values_in_the_statement(
    database: Database, sql: LiteralString
) -> None:
    async def wrong(connection: Connection) -> None:
        await connection.execute(sql, ADDRESS)

    with pytest.raises(MySQLError) as raised:
        await database.read(wrong)

    assert ADDRESS not in "".join(traceback.format_exception(raised.value))


class TestTheFigures:
    async def test_repetitions_are_counted_by_their_reason(
        self, server: PrivateServer, database: Database
    ) -> None:
        readings, runs = Readings(), 0

        async def fail_twice(connection: Connection) -> None:
            nonlocal runs
            runs += 1
            if runs == 1:
                raise ConflictError
            if runs == 2:
                rows = await connection.fetch_all("SELECT CONNECTION_ID()")
                await connection.execute("KILL %s", rows[0][0])

        await database.transact(fail_twice)

        assert readings.moved("registration_database_retries_total", reason="conflict") == 1
        assert readings.moved("registration_database_retries_total", reason="outage") == 1
        assert readings.moved("registration_database_unavailable_total") == 0

    async def test_work_that_is_given_up_is_counted(self, database: Database) -> None:
        readings = Readings()
        with pytest.raises(Unavailable):
            await database.read(hang)
        assert readings.moved("registration_database_unavailable_total") == 1

    async def test_connections_in_use_idle_ones_and_who_waits_are_told_apart(
        self, database: Database
    ) -> None:
        may_end, began = asyncio.Event(), asyncio.Semaphore(0)

        async def hold(_: Connection) -> None:
            began.release()
            await may_end.wait()

        working = [asyncio.create_task(database.read(hold)) for _ in range(5)]
        for _ in range(3):
            await began.acquire()
        assert database.usage == PoolUsage(used=3, idle=0, limit=3, waiting=2)
        with contextlib.closing(HashingGate(threads=1)) as gate:
            show_gauges(gate, database, [])
        assert reading("registration_database_connections", state="used") == 3
        assert reading("registration_database_waiting") == 2

        may_end.set()
        await asyncio.gather(*working)
        assert database.usage == PoolUsage(used=0, idle=3, limit=3, waiting=0)
        assert reading("registration_database_connections", state="used") == 0
        assert reading("registration_database_connections", state="idle") == 3
        assert reading("registration_database_waiting") == 0

    async def test_a_question_is_answered_or_given_up_but_never_asked_twice(
        self, server: PrivateServer, database: Database
    ) -> None:
        assert await database.ask("SELECT 6 * 7") == ((42,),)
        readings = Readings()
        server.pause()
        try:
            async with asyncio.timeout(3):
                assert await database.ask("SELECT 6 * 7") is None
        finally:
            server.resume()
        assert readings.moved("registration_database_retries_total", reason="outage") == 0
        assert await database.ask("SELECT 6 * 7") == ((42,),)
