"""People who register, ask for codes and are erased at instants that a test names, through the real commands."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from config.settings import parse_database_url
from registration.adapters.keys import KeyRing
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import Connection, Database, open_database
from registration.adapters.mysql.outbox import MySQLOutbox
from registration.commands.activate_user import ActivateUser
from registration.commands.erase_user import EraseUser
from registration.commands.register_user import RegisterUser
from registration.commands.send_new_code import SendNewCode
from registration.domain.activation_code import derive_code
from registration.domain.email_address import EmailAddress
from registration.domain.policy import Policy
from registration.messaging.command_bus import Command
from registration.ports import OutgoingMail
from registration.wiring import Ports, bind_messages
from tests.fake_guards import FakeHasher, FakeRateLimiter
from tests.properties.persistence import SECRET, OnMariaDB

HOME = "192.0.2.1"
PASSWORD, OTHER_PASSWORD = "correct horse battery", "staple of another"
POLICY = Policy(mail_cooldown=timedelta(), mails_per_hour=1000, mails_per_day=1000)


class People:
    def __init__(self, database: Database, keys: KeyRing) -> None:
        self.database = database
        self.keys = keys
        self._persistence = persistence = OnMariaDB(database, keys)
        self._bus = bind_messages(
            Ports(
                units_of_work=persistence.units_of_work,
                read_account=persistence.read_account,
                hasher=FakeHasher(),
                limiter=FakeRateLimiter(),
                code_keys=persistence.code_keys,
                publish=lambda _: None,
                new_id=uuid4,
                is_common_password=lambda _: False,
            ),
            POLICY,
        )

    async def it_is(self, now: datetime) -> None:
        """Have the database take this for the time."""
        await self._persistence.set_clock(now)

    async def register(self, name: str, at: datetime, password: str = PASSWORD) -> None:
        await self._do(RegisterUser(_address(name), password, HOME), at)

    async def ask_for_a_code(self, name: str, at: datetime, password: str = PASSWORD) -> None:
        await self._do(SendNewCode(_address(name), password, HOME), at)

    async def erase(self, name: str, at: datetime, password: str = PASSWORD) -> None:
        await self._do(EraseUser(_address(name), password, HOME), at)

    async def activate(self, name: str, at: datetime, password: str = PASSWORD) -> None:
        """With the newest code."""
        newest = (await self._mail_ids(name))[-1]
        account = await self._persistence.read_account(_address(name), HOME)
        [mail] = (mail for mail in account.mails if mail.id == newest)
        key = await self._persistence.code_keys.code_key(mail.code_key_id)
        code = derive_code(key, mail.id, mail.credential_id, POLICY.code_digits)
        await self._do(ActivateUser(_address(name), password, code, HOME), at)

    async def accept(self, name: str, at: datetime) -> None:
        """The provider takes the newest mail."""
        await self._outbox.accept(await self._held(name, at), "mailpit", None, timedelta)

    async def refuse(self, name: str, at: datetime, reason: str = "no such mailbox") -> None:
        """The provider refuses the newest mail for good."""
        await self._outbox.fail(await self._held(name, at), reason)

    async def wait_again(self, name: str, at: datetime, reason: str) -> None:
        """The provider does not take the newest mail now."""
        await self._outbox.retry(await self._held(name, at), timedelta(seconds=30), reason)

    async def register_and_accept(self, name: str, at: datetime, password: str = PASSWORD) -> None:
        await self.register(name, at, password)
        await self.accept(name, at + timedelta(seconds=1))

    async def become_a_user(self, name: str, at: datetime) -> None:
        await self.register_and_accept(name, at)
        await self.activate(name, at + timedelta(seconds=20))

    @property
    def _outbox(self) -> MySQLOutbox:
        return MySQLOutbox(self.database)

    async def _do(self, command: Command[object], at: datetime) -> None:
        await self.it_is(at)
        await self._bus.dispatch(command)

    async def _held(self, name: str, at: datetime) -> OutgoingMail:
        await self.it_is(at)
        mail = await self._outbox.take_fresh((await self._mail_ids(name))[-1])
        assert mail is not None
        return mail

    async def _mail_ids(self, name: str) -> list[UUID]:
        async def read(connection: Connection) -> list[UUID]:
            rows = await connection.fetch_all(
                "SELECT id FROM mails WHERE email = %s ORDER BY created_at", _address(name).text
            )
            return [UUID(bytes=mail_id) for (mail_id,) in rows]

        return await self.database.read(read)


def _address(name: str) -> EmailAddress:
    return EmailAddress(f"{name}@example.org")


@contextlib.asynccontextmanager
async def people_on(url: str) -> AsyncIterator[People]:
    """In a database without people, over one connection: the session whose clock is set is the one that is used."""
    async with open_database(parse_database_url(url), connections=1) as database:
        await database.read(_delete_everything)
        yield People(database, await load_keys(database, [SECRET]))


async def _delete_everything(connection: Connection) -> None:
    for table in ("accounts", "address_guards", "mails", "funnel"):
        await connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
