import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from config.settings import KeySettings, OperatorSettings, load
from registration.adapters.keys import KeyRing
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import Database, open_database
from registration.adapters.mysql.mail_records import MailRecords
from registration.adapters.mysql.mails import MailStamp
from registration.adapters.mysql.unit_of_work import MySQLAccountReader, MySQLUnitsOfWork
from registration.address_syntax import InvalidEmailAddress, parse_email_address
from registration.cli.address_sheet import describe
from registration.commands.erase_address import EraseAddress, EraseAddressHandler
from registration.commands.unlock_address import OPERATOR, UnlockAddress, UnlockAddressHandler
from registration.courier.rendering import TEMPLATE_VERSION
from registration.domain.email_address import EmailAddress
from registration.domain.events import DomainEvent
from registration.messaging.command_bus import Command, CommandBus
from registration.observability import command_log
from registration.observability.logs import configure_logging

R = TypeVar("R")

MAILS = 50


@click.group("users")
def command() -> None:
    """See what is known of an address, erase its user, unlock it."""


@command.command("show")
@click.argument("address")
def show(address: str) -> None:
    """Show what is known of an address: user, registration, mails, wrong codes, and its name in the logs; no code."""
    email = _parse(address)

    async def read(database: Database, keys: KeyRing) -> None:
        account = await MySQLAccountReader(database, keys)(email, OPERATOR)
        mailbox_key = keys.mailbox_digest(email.mailbox)
        mails = await MailRecords(database).to_address(email, mailbox_key, MAILS)
        for title, text in describe(account, mails, keys.log_digest(email.text)):
            click.echo(f"{title:15}{text}")

    _run(read)


@command.command("erase")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(address: str, *, yes: bool) -> None:
    """Remove the user and the registration of an address, whatever their passwords, and what their mails say of them.

    What counts towards the address's limits stays, in keyed form, for as long as it counts.
    """
    email = _parse(address)
    if not yes:
        click.confirm(f"Erase the user and the registration of {email}, for good?", abort=True, err=True)
    erased = _carry_out(EraseAddress(email))
    click.echo(f"{erased} users and registrations are erased.")


@command.command("unlock")
@click.argument("address")
def unlock(address: str) -> None:
    """Forget the wrong codes that were shown for an address, so that it can be registered and activated again."""
    email = _parse(address)
    forgotten = _carry_out(UnlockAddress(email))
    click.echo(f"{forgotten} wrong codes are forgotten.")


def _run(work: Callable[[Database, KeyRing], Awaitable[R]]) -> R:
    async def run() -> R:
        settings = load(KeySettings)
        async with open_database(settings.server) as database:
            return await work(database, await load_keys(database, settings.secret_keys))

    return asyncio.run(run())


def _carry_out(command: Command[R]) -> R:
    """Leave the line in the log that commands leave in `serve`, whatever the level: it is all that tells of it later."""
    settings = load(OperatorSettings)
    configure_logging(settings.log_format, "error")
    logging.getLogger(command_log.__name__).setLevel(logging.INFO)
    return _run(lambda database, keys: _bus(database, keys).dispatch(command))


def _bus(database: Database, keys: KeyRing) -> CommandBus:
    units_of_work = MySQLUnitsOfWork(database, keys, _nobody_listens, _stamp)
    return CommandBus(
        [
            EraseAddress.handled_by(EraseAddressHandler(units_of_work)),
            UnlockAddress.handled_by(UnlockAddressHandler(units_of_work)),
        ],
        [command_log.log_messages(keys.log_digest, keys.client_log_digest)],
    )


def _nobody_listens(_: DomainEvent) -> None:
    """No event follows from what an operator does here."""


def _stamp() -> MailStamp:
    return MailStamp(TEMPLATE_VERSION, request_id=None)


def _parse(address: str) -> EmailAddress:
    try:
        return parse_email_address(address)
    except InvalidEmailAddress as error:
        raise click.ClickException(f"the address {error}") from None
