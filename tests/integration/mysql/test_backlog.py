import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from config.settings import parse_database_url
from registration.adapters.mysql.backlog import _SELECT_BACKLOG, BacklogReader
from registration.adapters.mysql.database import Connection, Database, open_database
from registration.adapters.mysql.remembered import REMEMBERED_SECONDS
from registration.ports import Backlog
from tests.integration.mysql.plans import explain

EMPTY = Backlog(0, timedelta())


class Time:
    """What the reader takes for the time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def database(fresh_database: Callable[[], str]) -> AsyncIterator[Database]:
    async with open_database(parse_database_url(fresh_database())) as database:
        yield database


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def read(database: Database, time: Time) -> BacklogReader:
    return BacklogReader(database, time)


async def put_mail(database: Database, seconds_ago: float, *, state: str = "queued") -> UUID:
    mail_id = uuid4()

    async def insert(connection: Connection) -> None:
        await connection.execute(
            """
            INSERT INTO mails (id, mailbox_key, client_key, kind, credential_id, code_key, template_version, language,
                created_at, state, due_at)
            VALUES (%s, %s, %s, 'activation-code', %s, 1, 1, 'en', UTC_TIMESTAMP(6) - INTERVAL %s SECOND, %s,
                IF(%s = 'queued', UTC_TIMESTAMP(6) + INTERVAL 1 HOUR, NULL))
            """,
            *[mail_id.bytes] * 4,
            seconds_ago,
            state,
            state,
        )

    await database.read(insert)
    return mail_id


async def test_an_empty_outbox_is_no_mails_and_no_age(read: BacklogReader) -> None:
    assert await read() == EMPTY


async def test_mails_that_are_to_be_sent_count_and_settled_ones_do_not(
    read: BacklogReader, database: Database
) -> None:
    await put_mail(database, 90)
    await put_mail(database, 30)
    for state in ("accepted", "failed", "dropped"):
        await put_mail(database, 900, state=state)

    backlog = await read()

    assert backlog is not None
    assert backlog.mails == 2
    assert timedelta(seconds=90) <= backlog.oldest_age < timedelta(seconds=120)


async def test_a_mail_of_a_clock_that_was_ahead_has_no_age(read: BacklogReader, database: Database) -> None:
    await put_mail(database, -90)
    assert await read() == Backlog(1, timedelta())


async def test_the_database_is_asked_once_in_five_seconds_however_many_look(
    read: BacklogReader, database: Database, time: Time
) -> None:
    assert await asyncio.gather(*(read() for _ in range(5))) == [EMPTY] * 5
    await put_mail(database, 0)

    time.now += REMEMBERED_SECONDS - 0.001
    assert await read() == EMPTY

    time.now += 0.001
    backlog = await read()
    assert backlog is not None
    assert backlog.mails == 1


async def test_a_database_that_did_not_answer_is_not_asked_again_at_once(
    read: BacklogReader, database: Database, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_answer(sql: str) -> None:
        return None

    with monkeypatch.context() as outage:
        outage.setattr(database, "ask", no_answer)
        assert await read() is None

    assert await read() is None
    time.now += REMEMBERED_SECONDS
    assert await read() == EMPTY


async def test_it_reads_nothing_but_the_index(database: Database) -> None:
    """So it takes as long as there are mails to be sent, however many have been."""

    [step] = await database.read(lambda connection: explain(connection, _SELECT_BACKLOG))

    assert step.key == "due"
    assert "Using index" in step.remarks
