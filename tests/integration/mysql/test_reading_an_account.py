"""As much work whatever is behind an address: what differs, somebody with a stop-watch can measure."""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import LiteralString
from uuid import UUID, uuid4

import pytest

from config.settings import parse_database_url
from registration.adapters.keys import KeyRing
from registration.adapters.mysql.accounts import read_account
from registration.adapters.mysql.data_keys import MySQLDataKeys
from registration.adapters.mysql.database import Connection, Database, Row, open_database
from registration.adapters.mysql.mails import MailStamp
from registration.adapters.mysql.unit_of_work import MySQLUnitsOfWork
from registration.domain.email_address import EmailAddress
from registration.domain.password import PasswordHash
from registration.domain.registration import Registration
from registration.ports import UnitOfWork
from tests.private_database import Databases

SECRET = "a secret key of the tests, long enough"
HASH = PasswordHash("$2b$12$" + "s" * 22 + "h" * 31)


@dataclass
class Work:
    """What reading an account took."""

    rows: list[list[type]] = field(default_factory=list)
    hashes_opened: int = 0


class ObservedKeys(KeyRing):
    def __init__(self, database: Database) -> None:
        super().__init__(MySQLDataKeys(database), [SECRET])
        self.opened = 0

    async def open_password_hash(self, sealed: bytes, key_id: int, email: str, credential_id: UUID) -> str:
        self.opened += 1
        return await super().open_password_hash(sealed, key_id, email, credential_id)


class ObservedConnection(Connection):
    def __init__(self, connection: Connection, work: Work) -> None:
        self._connection = connection
        self._work = work

    async def fetch_all(self, sql: LiteralString, *args: object) -> Sequence[Row]:
        rows = await self._connection.fetch_all(sql, *args)
        self._work.rows += [[type(value) for value in row] for row in rows]
        return rows


@dataclass
class Addresses:
    database: Database
    keys: ObservedKeys

    async def make(self, kind: str) -> EmailAddress:
        """A user was never mailed here: the mails of one who is older than a day are not read."""
        email = EmailAddress(f"{uuid4().hex}@example.org")
        units_of_work = MySQLUnitsOfWork(
            self.database, self.keys, lambda _: None, lambda: MailStamp(1, request_id=None)
        )

        async def step(work: UnitOfWork) -> None:
            registration = Registration(email, uuid4(), HASH, is_decoy=False, registered_at=work.account.now)
            if kind in {"active", "decoy"}:
                await work.accounts.put_registration(registration)
                await work.accounts.activate(registration)
            if kind in {"pending", "decoy"}:
                newer = dataclasses.replace(registration, credential_id=uuid4(), is_decoy=kind == "decoy")
                mail, _ = newer.mail_code(uuid4(), 1, "en")
                await work.accounts.put_registration(newer)
                await work.mails.add(mail)

        await units_of_work(email, "somebody", step)
        await self.database.read(_accept_all_mails)
        return email

    async def work_of_reading(self, email: EmailAddress) -> Work:
        work, before = Work(), self.keys.opened

        async def read(connection: Connection) -> None:
            await read_account(ObservedConnection(connection, work), self.keys, email, b"a client's key  ")

        await self.database.read(read)
        work.hashes_opened = self.keys.opened - before
        return work


async def _accept_all_mails(connection: Connection) -> None:
    await connection.execute(
        "UPDATE mails SET state = 'accepted', accepted_at = created_at, due_at = NULL, lease = NULL"
    )


@pytest.fixture(scope="module")
async def addresses(databases: Databases) -> AsyncIterator[Addresses]:
    async with open_database(parse_database_url(databases.fresh())) as database:
        keys = ObservedKeys(database)
        await keys.load()
        yield Addresses(database, keys)


@pytest.mark.parametrize("kind", ["pending", "decoy", "active"])
async def test_as_much_is_read_and_opened_as_of_an_unknown_address(addresses: Addresses, kind: str) -> None:
    unknown, known = await addresses.make("unknown"), await addresses.make(kind)
    expected = await addresses.work_of_reading(unknown)
    assert await addresses.work_of_reading(known) == expected
