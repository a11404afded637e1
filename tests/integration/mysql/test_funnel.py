"""What is written down of each minute's registrations: exactly, once, and the same however late."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import LiteralString

import pytest
from structlog.testing import capture_logs

from config.settings import parse_database_url
from registration.adapters.mysql.accounts import naive
from registration.adapters.mysql.database import Connection, Database, Row, open_database
from registration.adapters.mysql.funnel import COUNT, LOOK_BACK, MySQLFunnel, settles_after
from registration.bookkeeping import MINUTES_A_RUN, Bookkeeper
from registration.domain.policy import Policy
from registration.overview import MINUTE, Cohort, Counts
from tests.integration.mysql.people import OTHER_PASSWORD, People, people_on
from tests.integration.mysql.plans import Step, explain
from tests.private_database import Databases
from tests.readings import Readings

MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SETTLES_AFTER = timedelta(minutes=11)
SETTLED_AT = NOON + MINUTE + SETTLES_AFTER
MUCH_LATER = NOON + timedelta(hours=23)
REPLICAS = 4


@pytest.fixture(scope="module")
def url(databases: Databases) -> str:
    return databases.fresh()


@pytest.fixture
async def people(url: str) -> AsyncIterator[People]:
    async with people_on(url) as people:
        yield people


@pytest.fixture
def funnel(people: People) -> MySQLFunnel:
    return MySQLFunnel(people.database, SETTLES_AFTER)


async def settled(database: Database) -> dict[datetime, Counts]:
    """What is written down, but for minutes in which nothing was made."""

    async def read(connection: Connection) -> Sequence[Row]:
        return await connection.fetch_all("SELECT * FROM funnel ORDER BY minute")

    rows = await database.read(read)
    cohorts = {minute.replace(tzinfo=UTC): Counts(*counts) for minute, *counts in rows}
    assert list(cohorts) == [min(cohorts, default=NOON) + number * MINUTE for number in range(len(cohorts))]
    return {minute: counts for minute, counts in cohorts.items() if counts != Counts()}


def test_a_minute_is_settled_when_a_mails_life_and_its_codes_are_over() -> None:
    assert settles_after(Policy()) == SETTLES_AFTER
    assert settles_after(Policy(code_ttl=timedelta(minutes=10))) == timedelta(minutes=20)


async def is_mailed_and_not_used(people: People) -> Counts:
    await people.register_and_accept("ann", NOON)
    return Counts(registered=1, mailed=1, unused=1, codes=1, accepted=1)


async def is_refused_by_the_provider(people: People) -> Counts:
    await people.register("ann", NOON)
    await people.refuse("ann", NOON + SECOND)
    return Counts(registered=1, unused=1, codes=1, failed=1)


async def is_activated(people: People) -> Counts:
    await people.become_a_user("ann", NOON)
    return Counts(registered=1, mailed=1, activated=1, codes=1, accepted=1)


async def is_activated_though_the_mail_was_lost(people: People) -> Counts:
    """Its code is known to whoever registers, in this test."""
    await people.register("ann", NOON)
    await people.activate("ann", NOON + SECOND)
    await people.refuse("ann", NOON + 2 * SECOND)
    return Counts(registered=1, activated=1, codes=1, failed=1)


async def is_activated_with_another_code(people: People) -> Counts:
    """The first was superseded unsent; registered, mailed and activated once, in the minute of the registration."""
    await people.register("ann", NOON)
    await people.wait_again("ann", NOON + SECOND, "timeout")
    await people.ask_for_a_code("ann", NOON + 2 * MINUTE)
    await people.accept("ann", NOON + 2 * MINUTE + SECOND)
    await people.activate("ann", NOON + 3 * MINUTE)
    return Counts(registered=1, mailed=1, activated=1, codes=1, dropped=1)


async def is_activated_with_a_later_code_long_after(people: People) -> Counts:
    await people.register_and_accept("ann", NOON)
    await people.ask_for_a_code("ann", NOON + timedelta(hours=1))
    await people.activate("ann", NOON + timedelta(hours=1, seconds=20))
    return Counts(registered=1, mailed=1, unused=1, codes=1, accepted=1)


async def asks_for_codes_in_the_same_minute(people: People) -> Counts:
    await people.register_and_accept("ann", NOON)
    for seconds in (10, 20):
        await people.ask_for_a_code("ann", NOON + seconds * SECOND)
        await people.accept("ann", NOON + (seconds + 1) * SECOND)
    return Counts(registered=1, mailed=1, unused=1, codes=3, accepted=3)


async def registers_again_with_another_password(people: People) -> Counts:
    await people.register_and_accept("ann", NOON)
    await people.register("ann", NOON + 30 * SECOND, OTHER_PASSWORD)
    await people.accept("ann", NOON + 31 * SECOND)
    await people.activate("ann", NOON + 40 * SECOND, OTHER_PASSWORD)
    return Counts(registered=2, mailed=2, activated=1, codes=2, accepted=2)


async def is_erased_while_pending(people: People) -> Counts:
    await people.register_and_accept("ann", NOON)
    await people.erase("ann", NOON + MINUTE)
    return Counts(registered=1, mailed=1, codes=1, accepted=1)


async def registers_again_and_is_erased(people: People) -> Counts:
    await people.register_and_accept("ann", NOON)
    await people.register("ann", NOON + 30 * SECOND, OTHER_PASSWORD)
    await people.erase("ann", NOON + 40 * SECOND, OTHER_PASSWORD)
    return Counts(registered=2, mailed=1, codes=2, accepted=1, dropped=1)


async def asks_for_a_code_at_the_same_instant_and_is_erased(people: People) -> Counts:
    await people.register("ann", NOON)
    await people.ask_for_a_code("ann", NOON)
    await people.erase("ann", NOON + SECOND)
    return Counts(registered=1, codes=2, dropped=2)


async def is_erased_before_the_mail_was_sent(people: People) -> Counts:
    await people.register("ann", NOON)
    await people.erase("ann", NOON + SECOND)
    return Counts(registered=1, codes=1, dropped=1)


async def is_activated_and_then_erased(people: People) -> Counts:
    await people.become_a_user("ann", NOON)
    await people.erase("ann", NOON + MINUTE)
    return Counts(registered=1, mailed=1, codes=1, accepted=1)


async def registers_an_address_that_is_taken(people: People) -> Counts:
    await people.become_a_user("ann", NOON - timedelta(hours=20))
    await people.register_and_accept("ann", NOON, OTHER_PASSWORD)
    await people.ask_for_a_code("ann", NOON + 20 * SECOND, OTHER_PASSWORD)
    await people.refuse("ann", NOON + 21 * SECOND)
    return Counts(notices=2, accepted=1, failed=1)


async def registers_an_address_while_its_owner_becomes_a_user(people: People) -> Counts:
    await people.become_a_user("ann", NOON)
    await people.register_and_accept("ann", NOON + 30 * SECOND, OTHER_PASSWORD)
    return Counts(registered=1, mailed=1, activated=1, codes=1, notices=1, accepted=2)


FATES: Sequence[Callable[[People], Awaitable[Counts]]] = [
    is_mailed_and_not_used,
    is_refused_by_the_provider,
    is_activated,
    is_activated_though_the_mail_was_lost,
    is_activated_with_another_code,
    is_activated_with_a_later_code_long_after,
    asks_for_codes_in_the_same_minute,
    registers_again_with_another_password,
    is_erased_while_pending,
    registers_again_and_is_erased,
    asks_for_a_code_at_the_same_instant_and_is_erased,
    is_erased_before_the_mail_was_sent,
    is_activated_and_then_erased,
    registers_an_address_that_is_taken,
    registers_an_address_while_its_owner_becomes_a_user,
]


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.__name__)
@pytest.mark.parametrize("counted_at", [SETTLED_AT, MUCH_LATER], ids=["at once", "much later"])
async def test_what_became_of_somebody_who(
    fate: Callable[[People], Awaitable[Counts]], counted_at: datetime, people: People, funnel: MySQLFunnel
) -> None:
    expected = await fate(people)
    await people.it_is(counted_at)

    assert (await funnel.count(NOON)).counts == expected


async def test_no_registration_is_in_two_minutes(people: People, funnel: MySQLFunnel) -> None:
    await people.register_and_accept("ann", NOON)
    for minutes in (1, 5, 30, 600):
        await people.ask_for_a_code("ann", NOON + minutes * MINUTE)
        await people.accept("ann", NOON + minutes * MINUTE + SECOND)
    await people.it_is(MUCH_LATER)

    counts = [(await funnel.count(NOON + minutes * MINUTE)).counts for minutes in (0, 1, 5, 30, 600)]

    assert counts[0] == Counts(registered=1, mailed=1, unused=1, codes=1, accepted=1)
    assert counts[1:] == [Counts(codes=1, accepted=1)] * 4


async def test_a_mailbox_with_several_addresses_has_as_many_registrations(
    people: People, funnel: MySQLFunnel
) -> None:
    for name in ("ann", "ann+one", "ann+two"):
        await people.register_and_accept(name, NOON)

    assert (await funnel.count(NOON)).counts.registered == 3


@pytest.mark.parametrize(
    "since, is_in",
    [(-MICROSECOND, False), (timedelta(), True), (MINUTE - MICROSECOND, True), (MINUTE, False)],
)
async def test_a_minute_has_its_first_instant_and_not_the_next_ones(
    people: People, funnel: MySQLFunnel, since: timedelta, is_in: bool
) -> None:
    await people.register("ann", NOON + since)

    assert (await funnel.count(NOON)).counts.registered == is_in


@pytest.mark.parametrize("at, is_in_time", [(SETTLED_AT - MICROSECOND, True), (SETTLED_AT, False)])
async def test_an_activation_counts_until_the_minute_is_settled(
    people: People, funnel: MySQLFunnel, at: datetime, is_in_time: bool
) -> None:
    await people.register("ann", NOON)
    await people.wait_again("ann", NOON + SECOND, "timeout")
    await people.ask_for_a_code("ann", at - 30 * SECOND)
    await people.activate("ann", at)

    counts = (await funnel.count(NOON)).counts

    assert (counts.activated, counts.unused) == (is_in_time, not is_in_time)


@pytest.mark.parametrize("at, is_in_time", [(SETTLED_AT - MICROSECOND, True), (SETTLED_AT, False)])
async def test_an_acceptance_counts_until_the_minute_is_settled(
    people: People, funnel: MySQLFunnel, at: datetime, is_in_time: bool
) -> None:
    await people.register("ann", NOON)
    await people.wait_again("ann", NOON + SECOND, "timeout")
    await people.ask_for_a_code("ann", at - SECOND)
    await people.accept("ann", at)

    assert (await funnel.count(NOON)).counts.mailed == is_in_time


async def test_a_minute_is_next_when_it_is_settled_and_not_before(
    people: People, funnel: MySQLFunnel
) -> None:
    await people.register("ann", NOON + 30 * SECOND)

    await people.it_is(SETTLED_AT - MICROSECOND)
    assert await funnel.next_minute() is None
    await people.it_is(SETTLED_AT)
    assert await funnel.next_minute() == NOON
    assert await funnel.add(await funnel.count(NOON))
    assert await funnel.next_minute() is None
    await people.it_is(SETTLED_AT + MINUTE)
    assert await funnel.next_minute() == NOON + MINUTE


async def test_minutes_that_were_settled_while_the_servers_clock_was_wrong_are_not_waited_for(
    people: People, funnel: MySQLFunnel
) -> None:
    await people.it_is(NOON)
    assert await funnel.add(Cohort(NOON - MINUTE, Counts()))
    assert await funnel.add(Cohort(NOON + timedelta(days=400), Counts()))

    await people.it_is(SETTLED_AT - MICROSECOND)
    assert await funnel.next_minute() is None
    await people.it_is(SETTLED_AT)
    assert await funnel.next_minute() == NOON


async def test_before_anybody_has_registered_there_is_nothing_to_settle(
    people: People, funnel: MySQLFunnel
) -> None:
    await people.it_is(NOON)
    assert await funnel.next_minute() is None


async def test_quiet_minutes_are_settled_as_well_so_that_one_sees_that_they_were(
    people: People, funnel: MySQLFunnel
) -> None:
    await people.register("ann", NOON)
    await people.register("bob", NOON + 5 * MINUTE)
    await people.it_is(SETTLED_AT + timedelta(minutes=10))

    await Bookkeeper(funnel).settle()

    async def read(connection: Connection) -> Sequence[Row]:
        return await connection.fetch_all("SELECT registered FROM funnel ORDER BY minute")

    assert [count for (count,) in await people.database.read(read)] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]


async def test_after_a_time_without_any_replica_a_day_is_settled_piece_by_piece_and_no_more(
    people: People, funnel: MySQLFunnel
) -> None:
    await funnel.add(Cohort(NOON - timedelta(days=3), Counts(registered=7)))
    now = NOON + LOOK_BACK + 30 * SECOND
    await people.register_and_accept("too long ago", NOON)
    await people.register_and_accept("ann", NOON + MINUTE)
    await people.become_a_user("bob", now - SETTLES_AFTER - MINUTE)
    await people.it_is(now)
    before, bookkeeper, numbers = Readings(), Bookkeeper(funnel), []

    while await funnel.next_minute():
        await bookkeeper.settle()
        numbers.append(await _number_of_minutes(people.database))

    day = LOOK_BACK // MINUTE - SETTLES_AFTER // MINUTE - 1
    assert numbers == [*range(1 + MINUTES_A_RUN, 1 + day, MINUTES_A_RUN), 1 + day]
    assert before.moved("registration_expired_unused_total") == 1
    await people.database.read(partial(_forget, minute=NOON - timedelta(days=3)))
    assert await settled(people.database) == {
        NOON + MINUTE: Counts(registered=1, mailed=1, unused=1, codes=1, accepted=1),
        _minute(now - SETTLES_AFTER - MINUTE): Counts(
            registered=1, mailed=1, activated=1, codes=1, accepted=1
        ),
    }


async def test_of_several_replicas_at_once_one_settles_a_minute_and_counts_who_left(
    people: People, url: str
) -> None:
    for number in range(30):
        await people.register_and_accept(f"ann{number}", NOON + number * 20 * SECOND)
    await people.become_a_user("bob", NOON)
    now = SETTLED_AT + timedelta(minutes=15)
    before = Readings()

    async with _replicas(url, now) as replicas:
        await asyncio.gather(*(Bookkeeper(funnel).settle() for funnel in replicas))

    assert before.moved("registration_expired_unused_total") == 30
    counts = await settled(people.database)
    assert [count.registered for count in counts.values()] == [4, *[3] * 9]
    assert await _number_of_minutes(people.database) == 16


async def test_who_comes_second_changes_nothing(people: People, funnel: MySQLFunnel) -> None:
    first, second = Counts(registered=1, unused=1), Counts(registered=2, unused=2)

    assert await funnel.add(Cohort(NOON, first))
    assert not await funnel.add(Cohort(NOON, second))

    assert await settled(people.database) == {NOON: first}


async def test_on_a_schema_from_before_there_is_nothing_to_settle_which_is_said_once(
    databases: Databases,
) -> None:
    async with open_database(parse_database_url(databases.empty()), connections=1) as database:
        bookkeeper = Bookkeeper(MySQLFunnel(database, SETTLES_AFTER))
        with capture_logs() as logs:
            for _ in range(3):
                await bookkeeper.settle()

    assert [line["event"] for line in logs] == ["task_skipped"]


FILL: Sequence[LiteralString] = (
    """
    INSERT INTO accounts (email, kind, is_decoy, credential_id, password_hash, password_key, registered_at)
    SELECT n, 'registration', FALSE, n, 'sealed', 1, UTC_TIMESTAMP(6) - INTERVAL n SECOND FROM numbers
    """,
    """
    INSERT INTO mails (id, mailbox_key, client_key, email, kind, credential_id, code_key, template_version, language,
        created_at, state)
    SELECT n, n, 'client', n, 'activation-code', n, 1, 1, 'en', UTC_TIMESTAMP(6) - INTERVAL n SECOND, 'accepted'
    FROM numbers
    """,
    "ANALYZE TABLE accounts, mails",
)


async def test_a_minute_is_counted_by_the_index_of_times_and_what_is_joined_by_keys(
    people: People,
) -> None:
    await people.it_is(NOON + timedelta(hours=1))
    await people.database.read(_fill)

    async def plan(connection: Connection) -> Sequence[Step]:
        return await explain(connection, COUNT, *[naive(NOON)] * 3, naive(NOON + MINUTE))

    used = {step.table: (step.how, step.key) for step in await people.database.read(plan)}
    assert {table: used[table] for table in used if table[0] != "<"} == {
        "m": ("range", "retention"),
        "a": ("ref", "PRIMARY"),
        "earlier": ("ref", "mailbox"),
        "sent": ("ref", "mailbox"),
    }


async def _fill(connection: Connection) -> None:
    """Twenty thousand rows each, a second apart."""
    numbers = ", ".join(f"({number})" for number in range(1, 20_001))
    await connection.execute("CREATE TEMPORARY TABLE numbers (n INT PRIMARY KEY)")
    await connection.execute(f"INSERT INTO numbers VALUES {numbers}")  # noqa: S608 - numbers
    for statement in FILL:
        await connection.execute(statement)


async def _number_of_minutes(database: Database) -> int:
    async def read(connection: Connection) -> Sequence[Row]:
        return await connection.fetch_all("SELECT COUNT(*) FROM funnel")

    [(number,)] = await database.read(read)
    assert isinstance(number, int)
    return number


async def _forget(connection: Connection, minute: datetime) -> None:
    await connection.execute("DELETE FROM funnel WHERE minute = %s", naive(minute))


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


@contextlib.asynccontextmanager
async def _replicas(url: str, now: datetime) -> AsyncIterator[list[MySQLFunnel]]:
    """So many processes' funnels, as far as the server can tell; for all of them it is the same time."""
    async with contextlib.AsyncExitStack() as stack:
        funnels = []
        for _ in range(REPLICAS):
            database = await stack.enter_async_context(open_database(parse_database_url(url), connections=1))
            await database.read(partial(_set_clock, now=now))
            funnels.append(MySQLFunnel(database, SETTLES_AFTER))
        yield funnels


async def _set_clock(connection: Connection, now: datetime) -> None:
    await connection.execute("SET timestamp = %s", now.timestamp())
