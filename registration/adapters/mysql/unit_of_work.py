from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from registration.adapters.keys import KeyRing
from registration.adapters.mysql.accounts import MySQLAccounts, read_account
from registration.adapters.mysql.database import Connection, Database
from registration.adapters.mysql.fresh_mails import FreshMails
from registration.adapters.mysql.mails import MailStamp, MySQLMails
from registration.adapters.mysql.wrong_codes import MySQLWrongCodes
from registration.domain.account import Account
from registration.domain.email_address import EmailAddress
from registration.domain.events import DomainEvent
from registration.ports import OutgoingMail, PublishEvent, UnitOfWork

R = TypeVar("R")


class MySQLUnitOfWork:
    """One transaction on one address; a UnitOfWork."""

    def __init__(
        self,
        connection: Connection,
        keys: KeyRing,
        account: Account,
        client_key: bytes,
        stamp: MailStamp,
        keep_fresh: Callable[[OutgoingMail], None],
    ) -> None:
        self.account = account
        self.accounts = MySQLAccounts(connection, keys, account)
        self.mails = MySQLMails(connection, keys, account.now, client_key, stamp, keep_fresh)
        self.wrong_codes = MySQLWrongCodes(
            connection, keys.address_digest(account.email.text), account.now, client_key
        )
        self.events: list[DomainEvent] = []

    def record(self, event: DomainEvent) -> None:
        self.events.append(event)


class MySQLUnitsOfWork:
    """Begins each transaction with a real change of the mailbox's guard row, then reads; a UnitsOfWork.

    The changed row makes a second transaction on the mailbox wait here, and on a cluster fail its certification,
    whichever node it runs on. Locking the row alone would do the first but not the second.
    """

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        publish: PublishEvent,
        stamp: Callable[[], MailStamp],
        fresh: FreshMails | None = None,
    ) -> None:
        """`fresh` is where the outbox of this process looks first."""
        self._database = database
        self._keys = keys
        self._publish = publish
        self._stamp = stamp
        self._fresh = FreshMails() if fresh is None else fresh

    async def __call__(
        self, email: EmailAddress, client: str, step: Callable[[UnitOfWork], Awaitable[R]]
    ) -> R:
        client_key = self._keys.client_digest(client)
        stamp = self._stamp()
        keep_fresh = partial(self._fresh.put, begun_at=self._fresh.now())

        async def work(connection: Connection) -> tuple[R, list[DomainEvent]]:
            await connection.execute(
                """
                INSERT INTO address_guards (mailbox_key, version) VALUES (%s, 1)
                ON DUPLICATE KEY UPDATE version = version + 1
                """,
                self._keys.mailbox_digest(email.mailbox),
            )
            account = await read_account(connection, self._keys, email, client_key)
            unit = MySQLUnitOfWork(connection, self._keys, account, client_key, stamp, keep_fresh)
            return await step(unit), unit.events

        result, events = await self._database.transact(work)
        for event in events:
            self._publish(event)
        return result


class MySQLAccountReader:
    """Reads an account without holding anything; an AccountReader."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def __call__(self, email: EmailAddress, client: str) -> Account:
        client_key = self._keys.client_digest(client)
        return await self._database.read(
            partial(read_account, keys=self._keys, email=email, client_key=client_key)
        )
