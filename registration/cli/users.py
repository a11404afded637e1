import asyncio

import click

from config.settings import KeySettings, load
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import open_database
from registration.adapters.mysql.mails import MailStamp
from registration.adapters.mysql.unit_of_work import MySQLUnitsOfWork
from registration.address_syntax import InvalidEmailAddress, parse_email_address
from registration.commands.unlock_address import UnlockAddress, UnlockAddressHandler
from registration.courier.rendering import TEMPLATE_VERSION
from registration.domain.email_address import EmailAddress
from registration.domain.events import DomainEvent


@click.group("users")
def command() -> None:
    """Unlock an address."""


@command.command("unlock")
@click.argument("address")
def unlock(address: str) -> None:
    """Forget the wrong codes that were shown for an address, so that it can be registered and activated again."""
    forgotten = asyncio.run(_unlock(_parse(address)))
    click.echo(f"{forgotten} wrong codes are forgotten.")


async def _unlock(email: EmailAddress) -> int:
    settings = load(KeySettings)
    async with open_database(settings.server) as database:
        keys = await load_keys(database, settings.secret_keys)
        units_of_work = MySQLUnitsOfWork(database, keys, _nobody_listens, _stamp)
        return await UnlockAddressHandler(units_of_work)(UnlockAddress(email))


def _nobody_listens(_: DomainEvent) -> None:
    """No event follows from what an operator does here."""


def _stamp() -> MailStamp:
    return MailStamp(TEMPLATE_VERSION, request_id=None)


def _parse(address: str) -> EmailAddress:
    try:
        return parse_email_address(address)
    except InvalidEmailAddress as error:
        raise click.ClickException(f"the address {error}") from None
