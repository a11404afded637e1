"""The same suite over the fakes and over a real database, whose sessions' clock the tests set."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from config.settings import parse_database_url
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import Connection, Database, open_database
from registration.adapters.mysql.mails import MailStamp
from registration.adapters.mysql.outbox import MySQLOutbox
from registration.adapters.mysql.unit_of_work import MySQLAccountReader, MySQLUnitsOfWork
from registration.domain.account import Account
from registration.domain.email_address import EmailAddress
from registration.domain.events import DomainEvent
from registration.domain.mail import MailKind, NewMail
from registration.domain.password import PasswordHash
from registration.domain.registration import Registration
from registration.ports import AccountReader, Outbox, UnitOfWork, UnitsOfWork
from tests.fakes import Clock, FakeDatabase, FakeOutbox

SECRET = "a secret key of the tests, long enough"
HASH = PasswordHash("$2b$12$" + "s" * 22 + "h" * 31)
CLIENT = "192.0.2.1"


@dataclass
class Store:
    """One implementation of the ports of persistence, and a clock that stands still."""

    units_of_work: UnitsOfWork
    read_account: AccountReader
    outbox: Outbox
    clock: Clock
    published: list[DomainEvent]
    database: Database | None = None

    async def advance(self, duration: timedelta) -> None:
        await self.set_time(self.clock.now + duration)

    async def set_time(self, now: datetime) -> None:
        self.clock.now = now
        if self.database is not None:
            await self.database.read(self._set_session_clock)

    async def _set_session_clock(self, connection: Connection) -> None:
        await connection.execute("SET timestamp = %s", Decimal(f"{self.clock.now.timestamp():.6f}"))

    async def account(self, email: EmailAddress, client: str = CLIENT) -> Account:
        return await self.read_account(email, client)

    async def register(self, email: EmailAddress, *, is_decoy: bool = False) -> tuple[Registration, NewMail]:
        """Put a registration and its mail there, as the handler does."""
        credential_id, mail_id = uuid4(), uuid4()

        async def step(work: UnitOfWork) -> tuple[Registration, NewMail]:
            registration = Registration(email, credential_id, HASH, is_decoy, work.account.now)
            mail, _ = registration.mail_code(mail_id, 1, "en")
            await work.accounts.put_registration(registration)
            await work.mails.add(mail)
            return registration, mail

        return await self.units_of_work(email, CLIENT, step)

    async def add_mail(self, registration: Registration) -> UUID:
        mail = NewMail(
            uuid4(), MailKind.ACTIVATION_CODE, registration.email, registration.credential_id, 1, "en"
        )

        async def step(work: UnitOfWork) -> None:
            await work.mails.add(mail)

        await self.units_of_work(registration.email, CLIENT, step)
        return mail.id

    async def activate(self, registration: Registration) -> None:
        async def step(work: UnitOfWork) -> None:
            await work.accounts.activate(registration)

        await self.units_of_work(registration.email, CLIENT, step)


@contextlib.asynccontextmanager
async def mysql_store(url: str) -> AsyncIterator[Store]:
    """One connection, so that the session whose clock is set is the one that is used."""
    async with open_database(parse_database_url(url), connections=1) as database:
        keys = await load_keys(database, [SECRET])
        published: list[DomainEvent] = []
        store = Store(
            units_of_work=MySQLUnitsOfWork(
                database, keys, published.append, lambda: MailStamp(1, "request-1")
            ),
            read_account=MySQLAccountReader(database, keys),
            outbox=MySQLOutbox(database),
            clock=Clock(),
            published=published,
            database=database,
        )
        await store.set_time(store.clock.now)
        yield store


def fake_store() -> Store:
    database = FakeDatabase(Clock())
    return Store(database, database.read_account, FakeOutbox(database), database.clock, database.published)


@pytest.fixture(params=["fake", "mysql"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "fake":
        yield fake_store()
        return
    url: str = request.getfixturevalue("database_url")
    async with mysql_store(url) as store:
        yield store
        await _empty(store.database, ["accounts", "address_guards", "mails", "wrong_codes"])


async def _empty(database: Database | None, tables: Iterable[str]) -> None:
    assert database is not None

    async def delete(connection: Connection) -> None:
        for table in tables:
            await connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own

    await database.read(delete)
