import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from datetime import timedelta

import click

from config.settings import FixtureSettings, load
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import open_database
from registration.adapters.mysql.mails import MailStamp
from registration.adapters.mysql.outbox import MySQLOutbox
from registration.adapters.mysql.unit_of_work import MySQLUnitsOfWork
from registration.courier.rendering import TEMPLATE_VERSION
from registration.domain.email_address import EmailAddress
from registration.domain.password import PasswordHash
from registration.domain.registration import Registration
from registration.hashing.bcrypt_hasher import BcryptHasher
from registration.hashing.gate import HashingGate
from registration.ports import UnitOfWork, UnitsOfWork

PASSWORD = "password"  # noqa: S105 - no registration accepts it, so only these have it
CLIENT = "fixtures"
YESTERDAY = timedelta(days=1)


@click.command("fixtures")
def command() -> None:
    """Put a registration or user in every state into a development database, all with the password "password".

    Addresses that are there already are left alone. Refused unless the mail provider is mailpit.
    """
    settings = load(FixtureSettings)
    if settings.mail_provider != "mailpit":
        raise click.ClickException(
            "fixtures are for development only: REGISTRATION_MAIL_PROVIDER is not mailpit"
        )
    asyncio.run(_put_fixtures(settings))


async def _put_fixtures(settings: FixtureSettings) -> None:
    async with open_database(settings.server) as database:
        keys = await load_keys(database, settings.secret_keys)
        with contextlib.closing(HashingGate()) as gate:
            password_hash = await BcryptHasher(settings.bcrypt_cost, gate).hash(PASSWORD)
        units_of_work = MySQLUnitsOfWork(
            database, keys, lambda _: None, lambda: MailStamp(TEMPLATE_VERSION, request_id=None)
        )
        fixtures = Fixtures(units_of_work, MySQLOutbox(database), keys.current_code_key_id, password_hash)
        for line in await fixtures.put():
            click.echo(line)


@dataclass(frozen=True, slots=True)
class Fixtures:
    units_of_work: UnitsOfWork
    outbox: MySQLOutbox
    code_key_id: int
    password_hash: PasswordHash

    async def put(self) -> list[str]:
        """Make what is missing; return a line for each address."""
        return [
            await self._put("queued@example.org", "pending, its mail is about to be sent"),
            await self._put("mailed@example.org", "pending, its mail was accepted now", accepted=timedelta()),
            await self._put("expired@example.org", "pending, its code has expired", accepted=YESTERDAY),
            await self._put("bounced@example.org", "pending, its mail was refused", refused=True),
            await self._put("active@example.org", "active", accepted=YESTERDAY, activated=True),
        ]

    async def _put(
        self,
        address: str,
        state: str,
        *,
        accepted: timedelta | None = None,
        refused: bool = False,
        activated: bool = False,
    ) -> str:
        email, credential_id, mail_id = EmailAddress(address), uuid.uuid4(), uuid.uuid4()

        async def register(work: UnitOfWork) -> bool:
            if work.account.user or work.account.registration:
                return False
            registration = Registration(
                email, credential_id, self.password_hash, is_decoy=False, registered_at=work.account.now
            )
            mail, _ = registration.mail_code(mail_id, self.code_key_id, "en")
            await work.accounts.put_registration(registration)
            await work.mails.add(mail)
            if activated:
                await work.accounts.activate(registration)
            return True

        if not await self.units_of_work(email, CLIENT, register):
            return f"{address:22} is there already"
        mail = await self.outbox.take_fresh(mail_id)
        if mail and refused:
            await self.outbox.fail(mail, "recipient refused")
        if mail and accepted is not None:
            await self.outbox.accept(mail, "mailpit", None, lambda: accepted)
        return f"{address:22} {state}"
