"""What the status page is told of all replicas, and that it costs the database little."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import LiteralString, TypeVar

import pytest

from registration.adapters.mysql import overview as module
from registration.adapters.mysql.database import Connection, Database, Row
from registration.adapters.mysql.funnel import COUNT, MySQLFunnel
from registration.adapters.mysql.overview import FAILED_LIMIT, LATE, OverviewReader
from registration.adapters.mysql.remembered import REMEMBERED_SECONDS
from registration.bookkeeping import Bookkeeper
from registration.domain.mail import MailKind
from registration.overview import HALF_HOUR, MINUTE, Cohort, Counts, Overview, WaitingMails, total
from tests.integration.mysql.people import OTHER_PASSWORD, People, people_on
from tests.integration.mysql.plans import Step, explain
from tests.private_database import Databases

R = TypeVar("R")

SECOND = timedelta(seconds=1)
NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
NOW = NOON + timedelta(minutes=45, seconds=20)
SETTLES_AFTER = timedelta(minutes=11)
LEFT = Counts(registered=1, mailed=1, unused=1, codes=1, accepted=1)
STAYED = Counts(registered=1, mailed=1, activated=1, codes=1, accepted=1)


class Time:
    """What the reader takes for the time; it may pass with each look."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.passes = 0.0

    def __call__(self) -> float:
        self.now += self.passes
        return self.now


@pytest.fixture(scope="module")
def url(databases: Databases) -> str:
    return databases.fresh()


@pytest.fixture
async def people(url: str) -> AsyncIterator[People]:
    async with people_on(url) as people:
        yield people


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def read(people: People, time: Time) -> OverviewReader:
    return OverviewReader(people.database, SETTLES_AFTER, people.keys.log_digest, time)


async def settle(people: People, at: datetime) -> None:
    await people.it_is(at)
    funnel = MySQLFunnel(people.database, SETTLES_AFTER)
    while await funnel.next_minute():
        await Bookkeeper(funnel).settle()


def busy(cohorts: Sequence[Cohort]) -> list[Cohort]:
    return [cohort for cohort in cohorts if cohort.counts != Counts()]


async def seen(read: OverviewReader) -> Overview:
    overview = await read()
    assert overview is not None
    return overview


async def test_where_nobody_ever_registered_there_are_minutes_without_anybody(
    people: People, read: OverviewReader
) -> None:
    await people.it_is(NOW)

    overview = await seen(read)

    assert overview.now == NOW
    assert busy(overview.minutes) == busy(overview.half_hours) == []
    assert (overview.waiting, overview.failed) == ([], [])


async def test_settled_minutes_are_as_they_were_written_and_the_newest_are_counted_as_they_stand(
    people: People, read: OverviewReader
) -> None:
    await people.register_and_accept("ann", NOON)
    await people.become_a_user("bob", NOON + timedelta(minutes=20))
    await settle(people, NOON + timedelta(minutes=44, seconds=30))
    await people.register_and_accept("cid", NOON + timedelta(minutes=44))
    await people.become_a_user("dan", NOON + timedelta(minutes=45))
    await people.it_is(NOW)

    overview = await seen(read)

    assert busy(overview.minutes) == [
        Cohort(NOON, LEFT),
        Cohort(NOON + timedelta(minutes=20), STAYED),
        Cohort(NOON + timedelta(minutes=44), LEFT, is_settled=False),
        Cohort(NOON + timedelta(minutes=45), STAYED, is_settled=False),
    ]
    assert [cohort.begins_at for cohort in overview.minutes] == [
        NOON + number * MINUTE for number in range(46)
    ]
    assert [cohort.is_settled for cohort in overview.minutes] == [True] * 33 + [False] * 13
    assert overview.half_hours == [
        Cohort(NOON, LEFT + STAYED),
        Cohort(NOON + HALF_HOUR, LEFT + STAYED, is_settled=False),
    ]


async def test_the_settled_minutes_of_a_half_hour_that_goes_on_are_among_what_is_settled(
    people: People, read: OverviewReader
) -> None:
    """Else the last day would have had fewer than the last hour."""
    await people.become_a_user("ann", NOON + timedelta(minutes=31))
    await settle(people, NOON + timedelta(minutes=44, seconds=30))
    await people.register_and_accept("bob", NOON + timedelta(minutes=44))
    await people.it_is(NOW)

    overview = await seen(read)

    assert overview.half_hours == [
        Cohort(NOON + HALF_HOUR, STAYED + LEFT, is_settled=False, settled_part=STAYED)
    ]
    assert total(overview.half_hours) == total(overview.minutes) == STAYED


async def test_an_hour_has_sixty_minutes_and_a_day_forty_eight_half_hours(
    people: People, read: OverviewReader
) -> None:
    funnel = MySQLFunnel(people.database, SETTLES_AFTER)
    first_minute = NOON - timedelta(minutes=14)
    first_half_hour = NOON - timedelta(hours=23)
    for minute in (first_half_hour - MINUTE, first_half_hour, first_minute - MINUTE, first_minute):
        assert await funnel.add(Cohort(minute, LEFT))
    await people.it_is(NOW)

    overview = await seen(read)

    assert busy(overview.minutes) == [Cohort(first_minute, LEFT)]
    assert busy(overview.half_hours) == [
        Cohort(first_half_hour, LEFT),
        Cohort(NOON - HALF_HOUR, LEFT + LEFT),
    ]


async def test_minutes_that_were_written_while_the_servers_clock_was_wrong_do_not_hide_those_of_today(
    people: People, read: OverviewReader
) -> None:
    await MySQLFunnel(people.database, SETTLES_AFTER).add(Cohort(NOON + timedelta(days=400), LEFT))
    await people.register_and_accept("ann", NOON + timedelta(minutes=44))
    await people.it_is(NOW)

    overview = await seen(read)

    assert busy(overview.minutes) == [Cohort(NOON + timedelta(minutes=44), LEFT, is_settled=False)]
    assert busy(overview.half_hours) == [Cohort(NOON + HALF_HOUR, LEFT, is_settled=False)]


async def test_what_should_have_been_settled_long_ago_is_not_counted_but_left_out(
    people: People, read: OverviewReader
) -> None:
    await people.register_and_accept("ann", NOON)
    await people.register_and_accept("bob", NOON + timedelta(minutes=30))
    await people.register_and_accept("cid", NOON + timedelta(minutes=31))
    await settle(people, NOON + timedelta(minutes=12))
    await people.it_is(NOW)

    overview = await seen(read)

    assert timedelta(minutes=3) == LATE
    assert busy(overview.minutes) == [
        Cohort(NOON, LEFT),
        Cohort(NOON + timedelta(minutes=31), LEFT, is_settled=False),
    ]


async def test_counting_what_is_not_settled_has_an_end_the_newest_first(
    people: People, read: OverviewReader, time: Time
) -> None:
    time.passes = 0.125
    for minutes in (41, 42, 43, 44, 45):
        await people.register_and_accept(f"ann{minutes}", NOON + minutes * MINUTE)
    await people.it_is(NOW)

    overview = await seen(read)

    assert [cohort.begins_at for cohort in overview.minutes] == [
        NOON + minutes * MINUTE for minutes in (43, 44, 45)
    ]


async def test_mails_wait_for_reasons_the_most_frequent_first(
    people: People, read: OverviewReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, reason in enumerate(["503", None, "timeout", "503", "503", None]):
        await people.register(f"ann{number}", NOON + number * SECOND)
        if reason:
            await people.wait_again(f"ann{number}", NOON + number * SECOND, reason)
    await people.register_and_accept("not to be sent any more", NOON)

    assert (await seen(read)).waiting == [
        WaitingMails("503", 3),
        WaitingMails(None, 2),
        WaitingMails("timeout", 1),
    ]


async def test_of_many_that_wait_those_are_looked_at_that_are_due_first(
    people: People, read: OverviewReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_LIMIT", 2)
    for number, reason in enumerate(["503", "timeout", "refused"]):
        await people.register(f"ann{number}", NOON + number * SECOND)
        await people.wait_again(f"ann{number}", NOON + number * SECOND, reason)

    waiting = (await seen(read)).waiting

    assert {waits.reason for waits in waiting} == {"503", "timeout"}


async def test_failed_mails_of_the_hour_are_told_the_newest_first_by_digest(
    people: People, read: OverviewReader
) -> None:
    await people.become_a_user("taken", NOON - timedelta(hours=2))
    await people.register("long ago", NOON - timedelta(minutes=30))
    await people.refuse("long ago", NOON - timedelta(minutes=30))
    await people.register("ann", NOON)
    await people.refuse("ann", NOON + SECOND, "no such mailbox")
    await people.register("erased", NOON + 5 * SECOND)
    await people.refuse("erased", NOON + 6 * SECOND)
    await people.erase("erased", NOON + 7 * SECOND)
    await people.register("taken", NOON + timedelta(minutes=40), OTHER_PASSWORD)
    await people.refuse("taken", NOON + timedelta(minutes=40, seconds=1), "over quota")
    await settle(people, NOW)

    failed = (await seen(read)).failed

    assert [(mail.created_at, mail.kind, mail.recipient, mail.reason) for mail in failed] == [
        (
            NOON + timedelta(minutes=40),
            MailKind.ADDRESS_TAKEN,
            people.keys.log_digest("taken@example.org"),
            "over quota",
        ),
        (NOON + 5 * SECOND, MailKind.ACTIVATION_CODE, None, "no such mailbox"),
        (NOON, MailKind.ACTIVATION_CODE, people.keys.log_digest("ann@example.org"), "no such mailbox"),
    ]
    assert len({mail.id for mail in failed}) == 3


async def test_of_many_failed_mails_the_newest_are_told(people: People, read: OverviewReader) -> None:
    for number in range(FAILED_LIMIT + 3):
        await people.register(f"ann{number}", NOON + number * 20 * SECOND)
        await people.refuse(f"ann{number}", NOON + number * 20 * SECOND)
    await settle(people, NOW)

    failed = (await seen(read)).failed

    assert [mail.created_at for mail in failed] == [
        NOON + number * 20 * SECOND for number in reversed(range(3, FAILED_LIMIT + 3))
    ]


async def test_the_database_is_asked_once_in_five_seconds_however_many_look(
    people: People, read: OverviewReader, time: Time
) -> None:
    await people.it_is(NOON)
    first = await seen(read)
    assert await asyncio.gather(*(read() for _ in range(5))) == [first] * 5
    await people.it_is(NOW)

    time.now += REMEMBERED_SECONDS - 0.001
    assert (await seen(read)).now == NOON
    time.now += 0.001
    assert (await seen(read)).now == NOW


async def test_a_database_that_did_not_answer_is_not_asked_again_at_once(
    people: People, read: OverviewReader, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_answer(work: object) -> None:
        return None

    with monkeypatch.context() as outage:
        outage.setattr(people.database, "try_once", no_answer)
        assert await read() is None

    assert await read() is None
    time.now += REMEMBERED_SECONDS
    assert await read() is not None


async def test_on_a_schema_from_before_what_can_be_counted_is_told(
    fresh_database: Callable[[], str],
) -> None:
    async def drop(connection: Connection) -> None:
        await connection.execute("DROP TABLE funnel")

    async with people_on(fresh_database()) as people:
        await people.register_and_accept("ann", NOW - MINUTE)
        await people.database.read(drop)
        await people.it_is(NOW)

        overview = await seen(OverviewReader(people.database, SETTLES_AFTER, people.keys.log_digest))

    assert busy(overview.minutes) == [Cohort(NOON + timedelta(minutes=44), LEFT, is_settled=False)]


@dataclass
class ExplainingConnection(Connection):
    """Asks the server how it is about to do what it is told."""

    connection: Connection
    plans: list[tuple[str, Sequence[Step]]]

    async def fetch_all(self, sql: LiteralString, *args: object) -> Sequence[Row]:
        self.plans.append((sql, await explain(self.connection, sql, *args)))
        return await self.connection.fetch_all(sql, *args)


@dataclass
class ExplainingDatabase(Database):
    database: Database
    plans: list[tuple[str, Sequence[Step]]] = field(default_factory=list)

    async def try_once(self, work: Callable[[Connection], Awaitable[R]]) -> R | None:
        return await self.database.read(lambda connection: work(ExplainingConnection(connection, self.plans)))


FILL: Sequence[LiteralString] = (
    """
    INSERT INTO mails (id, mailbox_key, client_key, kind, credential_id, code_key, template_version, language, created_at,
        state, due_at)
    SELECT n, n, 'client', 'activation-code', n, 1, 1, 'en', UTC_TIMESTAMP(6) - INTERVAL n SECOND,
        IF(MOD(n, 10), 'accepted', 'failed'), IF(MOD(n, 7), NULL, UTC_TIMESTAMP(6))
    FROM numbers
    """,
    "INSERT INTO funnel SELECT UTC_TIMESTAMP() - INTERVAL n MINUTE, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM numbers WHERE n > 13",
    "ANALYZE TABLE mails, funnel",
)


async def _fill(connection: Connection) -> None:
    """Twenty thousand rows each."""
    numbers = ", ".join(f"({number})" for number in range(1, 20_001))
    await connection.execute("CREATE TEMPORARY TABLE numbers (n INT PRIMARY KEY)")
    await connection.execute(f"INSERT INTO numbers VALUES {numbers}")  # noqa: S608 - numbers
    for statement in FILL:
        await connection.execute(statement)


async def test_no_statement_scans_a_table(people: People) -> None:
    await people.it_is(NOON)
    await people.database.read(_fill)
    database = ExplainingDatabase(people.database)

    overview = await seen(OverviewReader(database, SETTLES_AFTER, people.keys.log_digest))

    assert len(overview.failed) == FAILED_LIMIT
    assert sum(waits.mails for waits in overview.waiting) == 1000
    for sql, plan in database.plans:
        if sql == COUNT:
            continue  # has a test of its own
        assert not any(step.scans for step in plan), sql
