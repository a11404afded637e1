"""What the rules are tried on: the fakes, and a real database whose session's clock is set."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from config.settings import parse_database_url
from registration.adapters.keys import KeyRing
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import Connection, Database, open_database
from registration.adapters.mysql.mails import MailStamp
from registration.adapters.mysql.outbox import MySQLOutbox
from registration.adapters.mysql.unit_of_work import MySQLAccountReader, MySQLUnitsOfWork
from registration.domain.events import DomainEvent
from registration.ports import AccountReader, CodeKeys, Outbox, UnitsOfWork
from tests.fake_guards import FakeCodeKeys
from tests.fakes import Clock, FakeDatabase, FakeOutbox

SECRET = "a secret key of the tests, long enough"
TABLES = ("accounts", "address_guards", "data_keys", "mails", "wrong_codes")


class Persistence(Protocol):
    """One implementation of the ports of persistence, empty, with its keys and a clock that stands still."""

    @property
    def units_of_work(self) -> UnitsOfWork: ...
    @property
    def read_account(self) -> AccountReader: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def code_keys(self) -> CodeKeys: ...
    @property
    def published(self) -> list[DomainEvent]: ...

    async def set_clock(self, now: datetime) -> None: ...

    async def renew_keys(self) -> None:
        """Make new data keys, as `rekey --new-data-keys` does: beside a service that goes on with those it has."""

    async def load_keys(self) -> None:
        """Let the service know the newest keys, as a restart does."""


class InMemory:
    """A Persistence of fakes."""

    def __init__(self) -> None:
        self._clock = Clock()
        self._new_keys: dict[int, bytes] = {}
        self.units_of_work = FakeDatabase(self._clock)
        self.read_account = self.units_of_work.read_account
        self.outbox = FakeOutbox(self.units_of_work)
        self.code_keys = FakeCodeKeys()
        self.published = self.units_of_work.published

    async def set_clock(self, now: datetime) -> None:
        self._clock.now = now

    async def renew_keys(self) -> None:
        newest = max(self.code_keys.keys | self._new_keys)
        self._new_keys[newest + 1] = f"code key {newest + 1}".encode()

    async def load_keys(self) -> None:
        self.code_keys.keys |= self._new_keys


class OnMariaDB:
    """A Persistence of the real adapters. One connection, so that the session whose clock is set is the one used."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self.published: list[DomainEvent] = []
        self.units_of_work = MySQLUnitsOfWork(
            database, keys, self.published.append, lambda: MailStamp(template_version=1, request_id=None)
        )
        self.read_account = MySQLAccountReader(database, keys)
        self.outbox = MySQLOutbox(database)
        self.code_keys = keys

    async def set_clock(self, now: datetime) -> None:
        async def set_timestamp(connection: Connection) -> None:
            await connection.execute("SET timestamp = %s", Decimal(f"{now.timestamp():.6f}"))

        await self._database.read(set_timestamp)

    async def renew_keys(self) -> None:
        keys = await load_keys(self._database, [SECRET])
        await keys.renew()

    async def load_keys(self) -> None:
        await self.code_keys.refresh()


@contextlib.asynccontextmanager
async def in_memory() -> AsyncIterator[Persistence]:
    yield InMemory()


@contextlib.asynccontextmanager
async def on_mariadb(url: str) -> AsyncIterator[Persistence]:
    async with open_database(parse_database_url(url), connections=1) as database:
        await database.transact(_delete_everything)
        yield OnMariaDB(database, await load_keys(database, [SECRET]))


async def _delete_everything(connection: Connection) -> None:
    for table in TABLES:
        await connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
