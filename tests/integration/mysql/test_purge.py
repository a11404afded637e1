"""What a purge takes and what it leaves, and how it goes about it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, LiteralString, TypeVar
from uuid import uuid4

import pytest

from config.settings import parse_database_url
from registration.adapters.mysql.database import Connection, Database, Row, open_database
from registration.adapters.mysql.purge import FIRST_BATCH, MAX_BATCH, MySQLPurge
from tests.integration.mysql.plans import Step, explain
from tests.private_database import Databases

R = TypeVar("R")

RETENTION = timedelta(days=7)
OLD, YOUNG = timedelta(days=7, minutes=1), timedelta(days=6, hours=23, minutes=59)
A_YEAR_AGO, THIS_YEAR = timedelta(days=365, minutes=1), timedelta(days=364, hours=23, minutes=59)
SEVERAL_BATCHES = 3 * FIRST_BATCH + 1
TABLES: Sequence[LiteralString] = ("accounts", "mails", "address_guards", "wrong_codes", "funnel")


@dataclass
class Tables:
    """The tables, with rows as old as a test wants them."""

    database: Database

    async def run(self, sql: LiteralString, *arguments: object) -> None:
        async def execute(connection: Connection) -> int:
            return await connection.execute(sql, *arguments)

        await self.database.read(execute)

    async def rows(self, sql: LiteralString, *arguments: object) -> list[Any]:
        """The first column."""

        async def read(connection: Connection) -> Sequence[Row]:
            return await connection.fetch_all(sql, *arguments)

        return [row[0] for row in await self.database.read(read)]

    async def count(self, table: LiteralString) -> int:
        (number,) = await self.rows(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - names of our own
        assert isinstance(number, int)
        return number

    async def account(self, name: str, age: timedelta, kind: str = "registration") -> None:
        await self.run(
            """
            INSERT INTO accounts (email, kind, is_decoy, credential_id, password_hash, password_key, registered_at)
            VALUES (%s, %s, FALSE, %s, 'sealed', 1, UTC_TIMESTAMP(6) - INTERVAL %s SECOND)
            """,
            f"{name}@example.org",
            kind,
            uuid4().bytes,
            age.total_seconds(),
        )

    async def mail(self, mailbox: str, age: timedelta) -> bytes:
        """Return its id. The mailbox has a guard from then on, as after a unit of work."""
        mail_id = uuid4().bytes
        await self.run(
            """
            INSERT INTO mails (id, mailbox_key, client_key, kind, credential_id, code_key, template_version, language,
                created_at, state)
            VALUES (%s, %s, 'client', 'activation-code', %s, 1, 1, 'en', UTC_TIMESTAMP(6) - INTERVAL %s SECOND,
                'accepted')
            """,
            mail_id,
            _key(mailbox),
            uuid4().bytes,
            age.total_seconds(),
        )
        await self.run(
            "INSERT INTO address_guards VALUES (%s, 1) ON DUPLICATE KEY UPDATE version = version + 1",
            _key(mailbox),
        )
        return mail_id

    async def wrong_codes(self, name: str, ages: Sequence[timedelta]) -> None:
        placeholders = ", ".join(
            ["(%s, %s, 'the newest mail.', 'client', UTC_TIMESTAMP(6) - INTERVAL %s SECOND)"] * len(ages)
        )
        await self.run(
            f"INSERT INTO wrong_codes (address_key, id, newest_mail_id, client_key, shown_at) VALUES {placeholders}",  # noqa: S608
            *(value for age in ages for value in (_key(name), uuid4().bytes, age.total_seconds())),
        )

    async def minutes(self, count: int, age: timedelta) -> None:
        """So many minutes of the funnel, of which the youngest is so old."""
        for number in range(count):
            await self.run(
                "INSERT INTO funnel VALUES (UTC_TIMESTAMP() - INTERVAL %s SECOND, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
                (age + timedelta(minutes=number)).total_seconds(),
            )

    async def wrong_codes_of(self, name: str) -> int:
        return len(await self.rows("SELECT id FROM wrong_codes WHERE address_key = %s", _key(name)))

    async def purge(self) -> dict[str, int]:
        """Purge to the end; return how many rows of each kind were removed."""
        return {removal.kind: removal.count async for removal in MySQLPurge(self.database, RETENTION)()}


def _key(name: str) -> bytes:
    return name.encode().ljust(16)


@pytest.fixture(scope="module")
async def database(databases: Databases) -> AsyncIterator[Database]:
    async with open_database(parse_database_url(databases.fresh()), connections=4) as database:
        yield database


@pytest.fixture
async def tables(database: Database) -> Tables:
    tables = Tables(database)
    for table in TABLES:
        await tables.run(f"DELETE FROM {table}")  # noqa: S608 - names of our own
    return tables


async def test_old_registrations_go_and_young_ones_and_users_of_any_age_stay(tables: Tables) -> None:
    await tables.account("old", OLD)
    await tables.account("young", YOUNG)
    await tables.account("user", 100 * OLD, kind="user")
    await tables.account("user", OLD, kind="registration")  # somebody's decoy beside the user

    removed = await tables.purge()

    assert removed["registrations"] == 2
    assert set(await tables.rows("SELECT CONCAT(email, ' ', kind) FROM accounts")) == {
        "young@example.org registration",
        "user@example.org user",
    }


async def test_old_mails_go_with_their_guards_and_a_mailbox_with_a_young_one_keeps_its_guard(
    tables: Tables,
) -> None:
    await tables.mail("ann", OLD)
    await tables.mail("bob", OLD)
    young = await tables.mail("bob", YOUNG)

    removed = await tables.purge()

    assert removed["mails"] == 2
    assert await tables.rows("SELECT id FROM mails") == [young]
    assert await tables.rows("SELECT mailbox_key FROM address_guards") == [_key("bob")]


async def test_all_registrations_go_before_any_mail_does(tables: Tables) -> None:
    """So that nobody who looks in between finds a registration without a mail."""
    for number in range(SEVERAL_BATCHES):
        await tables.account(f"old {number}", OLD)
        await tables.mail(f"old {number}", OLD)
    left = [
        (await tables.count("accounts"), await tables.count("mails"))
        async for _ in MySQLPurge(tables.database, RETENTION)()
    ]

    assert left[0] == (SEVERAL_BATCHES - FIRST_BATCH, SEVERAL_BATCHES)
    assert all(registrations == 0 or mails == SEVERAL_BATCHES for registrations, mails in left)
    assert left[-1] == (0, 0)


async def test_wrong_codes_go_after_a_year(tables: Tables) -> None:
    await tables.wrong_codes("ann", [A_YEAR_AGO] * 5 + [THIS_YEAR] * 3)

    removed = await tables.purge()

    assert removed["wrong_codes"] == 5
    assert await tables.wrong_codes_of("ann") == 3


async def test_wrong_codes_that_lock_an_address_for_good_stay_and_those_of_others_beyond_them_go(
    tables: Tables,
) -> None:
    """The oldest, in more batches than one, are to be stepped over."""
    two_years_ago = 2 * A_YEAR_AGO
    for number in range(3):
        ages = [two_years_ago + timedelta(minutes=minute) for minute in range(100)]
        await tables.wrong_codes(f"locked {number}", ages)
    await tables.wrong_codes("at the same time", [two_years_ago] * 99)
    await tables.wrong_codes("later", [A_YEAR_AGO])

    removed = await tables.purge()

    assert removed["wrong_codes"] == 100
    assert [await tables.wrong_codes_of(f"locked {number}") for number in range(3)] == [100] * 3
    assert await tables.count("wrong_codes") == 300


async def test_a_hundred_wrong_codes_over_years_lock_nothing_and_go(tables: Tables) -> None:
    ages = [A_YEAR_AGO + timedelta(days=4 * number) for number in range(150)]
    await tables.wrong_codes("ann", ages)

    removed = await tables.purge()

    assert removed["wrong_codes"] == 150


async def test_the_funnel_is_kept_for_a_month(tables: Tables) -> None:
    await tables.minutes(SEVERAL_BATCHES, age=timedelta(days=31, minutes=1))
    await tables.minutes(2, age=timedelta(days=30, hours=23))

    removed = await tables.purge()

    assert removed["funnel_minutes"] == SEVERAL_BATCHES
    assert await tables.count("funnel") == 2


async def test_the_same_instant_in_more_rows_than_a_batch_is_no_obstacle(tables: Tables) -> None:
    await tables.wrong_codes("locked", [A_YEAR_AGO] * 100)
    for number in range(SEVERAL_BATCHES):
        await tables.account(f"old {number}", OLD)
        await tables.mail(f"old {number}", OLD)
        await tables.wrong_codes(f"old {number}", [A_YEAR_AGO])
    await tables.run("UPDATE accounts SET registered_at = '2020-01-01'")
    await tables.run("UPDATE mails SET created_at = '2020-01-01'")
    await tables.run("UPDATE wrong_codes SET shown_at = '2020-01-01'")

    removed = await tables.purge()

    assert {removed[kind] for kind in ("registrations", "mails", "wrong_codes")} == {SEVERAL_BATCHES}
    assert [await tables.count(table) for table in TABLES] == [0, 0, 0, 100, 0]


async def test_a_purge_tells_how_far_it_is_without_having_counted(tables: Tables) -> None:
    for number in range(SEVERAL_BATCHES):
        await tables.mail(f"old {number}", RETENTION + timedelta(days=1 + number))

    removals = [removal async for removal in MySQLPurge(tables.database, RETENTION)()]

    mails = [removal for removal in removals if removal.kind == "mails"]
    kinds = ["registrations", *["mails"] * len(mails), "wrong_codes", "funnel_minutes"]
    assert [removal.kind for removal in removals] == kinds
    assert mails[0].count == FIRST_BATCH
    assert mails[0].share == pytest.approx(FIRST_BATCH / SEVERAL_BATCHES, abs=0.02)
    assert [removal.share for removal in mails] == sorted({removal.share for removal in mails})
    assert (mails[-1].share, mails[-1].count) == (1, SEVERAL_BATCHES)


async def test_a_purge_can_be_left_after_any_batch_and_another_ends_it(tables: Tables) -> None:
    for number in range(SEVERAL_BATCHES):
        await tables.mail(f"old {number}", OLD)

    async for removal in MySQLPurge(tables.database, RETENTION)():
        if removal.kind == "mails":
            break
    left = await tables.count("mails")
    await tables.purge()

    assert left == SEVERAL_BATCHES - FIRST_BATCH
    assert await tables.count("mails") == await tables.count("address_guards") == 0


async def test_purges_at_the_same_time_remove_everything_once_and_do_not_fail(tables: Tables) -> None:
    """As `purge` beside the service, which may be stopped and begun again."""
    for number in range(SEVERAL_BATCHES):
        await tables.account(f"ann{number}", OLD)
        await tables.mail(f"ann{number}", OLD)
        await tables.wrong_codes(f"ann{number}", [A_YEAR_AGO])
    await tables.mail("young", YOUNG)

    purges = await asyncio.gather(*(tables.purge() for _ in range(4)))

    for kind in ("registrations", "mails", "wrong_codes"):
        assert sum(removed[kind] for removed in purges) == SEVERAL_BATCHES
    left = {
        table: await tables.count(table) for table in ("accounts", "mails", "address_guards", "wrong_codes")
    }
    assert left == {"accounts": 0, "mails": 1, "address_guards": 1, "wrong_codes": 0}


@dataclass
class ExplainingConnection(Connection):
    """Asks the server how it is about to do what it is told."""

    connection: Connection
    plans: list[tuple[str, Sequence[Step]]]

    async def execute(self, sql: LiteralString, *args: object) -> int:
        await self._explain(sql, args)
        return await self.connection.execute(sql, *args)

    async def fetch_all(self, sql: LiteralString, *args: object) -> Sequence[Row]:
        await self._explain(sql, args)
        return await self.connection.fetch_all(sql, *args)

    async def _explain(self, sql: LiteralString, args: Sequence[object]) -> None:
        self.plans.append((sql, await explain(self.connection, sql, *args)))


@dataclass
class ExplainingDatabase(Database):
    database: Database
    plans: list[tuple[str, Sequence[Step]]] = field(default_factory=list)

    async def read(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        return await self.database.read(lambda connection: work(ExplainingConnection(connection, self.plans)))


FILL: Sequence[LiteralString] = (
    """
    INSERT INTO accounts (email, kind, is_decoy, credential_id, password_hash, password_key, registered_at)
    SELECT n, 'registration', FALSE, n, 'sealed', 1, UTC_TIMESTAMP(6) - INTERVAL n MINUTE FROM numbers
    """,
    """
    INSERT INTO mails (id, mailbox_key, client_key, kind, credential_id, code_key, template_version, language, created_at,
        state)
    SELECT n, n, 'client', 'activation-code', n, 1, 1, 'en', UTC_TIMESTAMP(6) - INTERVAL n MINUTE, 'accepted'
    FROM numbers
    """,
    "INSERT INTO address_guards (mailbox_key, version) SELECT n, 1 FROM numbers",
    """
    INSERT INTO wrong_codes (address_key, id, newest_mail_id, client_key, shown_at)
    SELECT n, n, n, 'client', UTC_TIMESTAMP(6) - INTERVAL n HOUR FROM numbers
    """,
    "INSERT INTO funnel SELECT UTC_TIMESTAMP() - INTERVAL 3 * n MINUTE, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM numbers",
)


@pytest.fixture
async def full_tables(tables: Tables) -> AsyncIterator[Tables]:
    """Of twenty thousand rows each, some of them young."""
    await tables.run("CREATE TABLE numbers (n INT PRIMARY KEY)")
    await tables.run(f"INSERT INTO numbers VALUES {', '.join(f'({n})' for n in range(1, 20_001))}")  # noqa: S608
    for table, statement in zip(TABLES, FILL, strict=True):
        await tables.run(statement)
        await tables.run(f"ANALYZE TABLE {table}")
    yield tables
    await tables.run("DROP TABLE numbers")


async def test_no_statement_scans_a_table_or_sorts_one(full_tables: Tables) -> None:
    database = ExplainingDatabase(full_tables.database)

    removals = [removal async for removal in MySQLPurge(database, RETENTION)()]

    assert all(count > MAX_BATCH for count in {removal.kind: removal.count for removal in removals}.values())
    for sql, plan in database.plans:
        for step in plan:
            assert not step.scans, sql
            assert "GROUP BY" in sql or "filesort" not in step.remarks, sql
