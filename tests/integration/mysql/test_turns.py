import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from config.settings import parse_database_url
from registration.adapters.mysql.database import Connection, Database, open_database
from registration.adapters.mysql.turns import MySQLTurns
from tests.private_database import Databases

REPLICAS = 5
HOUR = timedelta(hours=1)


@contextlib.asynccontextmanager
async def open_replicas(url: str) -> AsyncIterator[list[Database]]:
    """So many processes' databases, as far as the server can tell."""
    async with contextlib.AsyncExitStack() as stack:
        server = parse_database_url(url)
        yield [await stack.enter_async_context(open_database(server, connections=3)) for _ in range(REPLICAS)]


@pytest.fixture
async def replicas(fresh_database: Callable[[], str]) -> AsyncIterator[list[Database]]:
    async with open_replicas(fresh_database()) as databases:
        yield databases


async def let_pass(database: Database, duration: timedelta) -> None:
    async def update(connection: Connection) -> None:
        await connection.execute(
            "UPDATE housekeeping SET due_at = due_at - INTERVAL %s SECOND", duration.total_seconds()
        )

    await database.read(update)


async def test_of_all_that_ask_at_once_one_has_the_turn_and_again_one_when_its_time_is_over(
    replicas: list[Database],
) -> None:
    turns = [MySQLTurns(database, "purge", HOUR) for database in replicas]

    for _ in range(3):
        answers = await asyncio.gather(*(take_turn() for take_turn in turns for _ in range(3)))
        assert answers.count(True) == 1
        await let_pass(replicas[0], HOUR)


async def test_nobody_has_a_turn_before_its_time(replicas: list[Database]) -> None:
    turns = [MySQLTurns(database, "purge", HOUR) for database in replicas]
    assert await turns[0]()

    await let_pass(replicas[0], HOUR - timedelta(minutes=1))

    assert not any([await take_turn() for take_turn in turns])
    assert not await MySQLTurns(replicas[0], "purge", HOUR)()  # a process that has just started


async def test_a_row_that_was_deleted_is_made_anew_by_one_of_those_that_ask(replicas: list[Database]) -> None:
    async def delete(connection: Connection) -> None:
        await connection.execute("DELETE FROM housekeeping")

    turns = [MySQLTurns(database, "purge", HOUR) for database in replicas]
    assert [await take_turn() for take_turn in turns].count(True) == 1

    await replicas[0].read(delete)

    answers = await asyncio.gather(*(take_turn() for take_turn in turns for _ in range(3)))
    assert answers.count(True) == 1
    assert not any([await take_turn() for take_turn in turns])


async def test_a_time_that_was_written_while_the_servers_clock_was_wrong_is_not_waited_for(
    replicas: list[Database],
) -> None:
    turns = [MySQLTurns(database, "purge", HOUR) for database in replicas]
    assert await turns[0]()

    await let_pass(replicas[0], -timedelta(days=365))

    answers = await asyncio.gather(*(take_turn() for take_turn in turns for _ in range(3)))
    assert answers.count(True) == 1


async def test_each_task_has_turns_of_its_own(replicas: list[Database]) -> None:
    turns = [MySQLTurns(replicas[0], task, HOUR) for task in ("purge", "something else")]

    for _ in range(2):
        assert [await take_turn() for take_turn in turns] == [True, True]
        await let_pass(replicas[0], HOUR)


async def test_on_a_schema_from_before_there_are_no_turns_which_is_said_once(databases: Databases) -> None:
    async with open_replicas(databases.empty()) as (database, *_):
        take_turn = MySQLTurns(database, "purge", HOUR)
        with capture_logs() as logs:
            assert [await take_turn() for _ in range(3)] == [False] * 3

    assert [line["event"] for line in logs] == ["task_skipped"]
