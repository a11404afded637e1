"""How long what should be gone has been past its time, whoever should have removed it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from registration.adapters.mysql.database import Database
from registration.adapters.mysql.overdue import _SELECT_OVERDUE, OverdueReader
from registration.adapters.mysql.purge import MySQLPurge
from registration.adapters.mysql.remembered import REMEMBERED_SECONDS
from tests.integration.mysql.people import OTHER_PASSWORD, People, people_on
from tests.integration.mysql.plans import explain
from tests.private_database import Databases

RETENTION = timedelta(days=7)
HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


class Time:
    """What the reader takes for the time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def url(databases: Databases) -> str:
    return databases.fresh()


@pytest.fixture
async def people(url: str) -> AsyncIterator[People]:
    async with people_on(url) as people:
        yield people


async def overdue(database: Database) -> timedelta | None:
    return await OverdueReader(database, RETENTION)()


async def purge(database: Database) -> None:
    async for _ in MySQLPurge(database, RETENTION)():
        pass


async def test_where_nobody_ever_registered_nothing_is(people: People) -> None:
    await people.it_is(NOON)
    assert await overdue(people.database) == timedelta()


async def test_what_is_within_its_retention_is_not_and_each_second_beyond_counts(people: People) -> None:
    await people.register_and_accept("ann", NOON)

    await people.it_is(NOON + RETENTION)
    assert await overdue(people.database) == timedelta()
    await people.it_is(NOON + RETENTION + HOUR)
    assert await overdue(people.database) == HOUR


async def test_once_it_is_purged_nothing_is(people: People) -> None:
    await people.register_and_accept("ann", NOON)
    await people.become_a_user("bob", NOON)
    await people.it_is(NOON + RETENTION + HOUR)

    await purge(people.database)

    assert await overdue(people.database) == timedelta()


async def test_a_user_of_any_age_is_not_but_the_mails_that_a_user_once_got_are(people: People) -> None:
    await people.become_a_user("ann", NOON - HOUR)
    await people.become_a_user("bob", NOON)
    await people.it_is(NOON + RETENTION + HOUR)
    assert await overdue(people.database) == 2 * HOUR


async def test_a_registration_that_is_made_anew_is_young_again_and_its_first_mail_is_not(
    people: People,
) -> None:
    await people.register("ann", NOON)
    await people.register("ann", NOON + 3 * HOUR, OTHER_PASSWORD)
    await people.it_is(NOON + RETENTION + HOUR)
    assert await overdue(people.database) == HOUR

    await purge(people.database)

    assert await overdue(people.database) == timedelta()
    await people.it_is(NOON + RETENTION + 5 * HOUR)
    assert await overdue(people.database) == 2 * HOUR


async def test_the_database_is_asked_once_in_five_seconds_and_again_after_an_outage(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_answer(work: object) -> None:
        return None

    await people.register("ann", NOON)
    await people.it_is(NOON + RETENTION + HOUR)
    time = Time()
    read = OverdueReader(people.database, RETENTION, time)
    assert await asyncio.gather(*(read() for _ in range(5))) == [HOUR] * 5

    await people.it_is(NOON + RETENTION + 2 * HOUR)
    time.now += REMEMBERED_SECONDS - 0.001
    assert await read() == HOUR
    with monkeypatch.context() as outage:
        outage.setattr(people.database, "try_once", no_answer)
        time.now += 0.001
        assert await read() is None
    time.now += REMEMBERED_SECONDS
    assert await read() == 2 * HOUR


async def test_it_looks_at_the_beginnings_of_two_indexes_however_long_they_are(people: People) -> None:
    for name in ("ann", "bob"):
        await people.register(name, NOON)

    steps = await people.database.read(lambda connection: explain(connection, _SELECT_OVERDUE))

    assert sum("optimized away" in step.remarks for step in steps) == 2
    assert not any(step.scans for step in steps)
