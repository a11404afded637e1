import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import click

from config.settings import KeySettings, load
from registration.adapters.keys import KeyRing
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import open_database
from registration.adapters.mysql.mail_records import MailRecord, MailRecords
from registration.domain.mail import MailState

R = TypeVar("R")

with_addresses = click.option(
    "--addresses", is_flag=True, help="Show addresses instead of the digests that the logs have."
)


@click.group("mails")
def command() -> None:
    """See what is queued or failed and why, and send it again."""


@command.command("list")
@click.option(
    "--state", type=click.Choice([state.value for state in MailState]), default="failed", show_default=True
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@with_addresses
def list_mails(state: str, limit: int, *, addresses: bool) -> None:
    """List the mails of the last day in one state, the newest first."""

    async def show(records: MailRecords, keys: KeyRing) -> None:
        found = await records.newest(MailState(state), limit)
        for record in found:
            click.echo(
                f"{record.id}  {_time(record.created_at)}  {record.kind:15}  {record.attempts:3} attempts  "
                f"{_recipient(record, keys, addresses=addresses)}  {record.reason or ''}".rstrip()
            )
        if not found:
            click.echo(f"No mail of the last day is {state}.", err=True)

    _run(show)


@command.command("show")
@click.argument("mail_id", type=click.UUID)
@with_addresses
def show_mail(mail_id: UUID, *, addresses: bool) -> None:
    """Show all that is known of a mail, as JSON."""

    async def show(records: MailRecords, keys: KeyRing) -> None:
        record = await records.find(mail_id)
        if record is None:
            raise click.ClickException("there is no such mail")
        document = {
            "id": str(record.id),
            "recipient": _recipient(record, keys, addresses=addresses),
            "kind": record.kind.value,
            "language": record.language,
            "state": record.state.value,
            "created_at": _time(record.created_at),
            "next_attempt_at": record.due_at and _time(record.due_at),
            "accepted_at": record.accepted_at and _time(record.accepted_at),
            "attempts": record.attempts,
            "maybe_sent": record.maybe_sent,
            "provider": record.provider,
            "provider_message_id": record.provider_message_id,
            "reason": record.reason,
            "request_id": record.request_id,
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))

    _run(show)


@command.command("retry")
@click.argument("mail_id", type=click.UUID, required=False)
@click.option(
    "--all", "everything", is_flag=True, help="Every failed or waiting mail whose time is not over."
)
def retry_mails(mail_id: UUID | None, *, everything: bool) -> None:
    """Have a failed or waiting mail sent now.

    Not one older than ten minutes: its code is dead, and its user can ask for another.
    """
    if (mail_id is None) is not everything:
        raise click.UsageError("name one mail, or say --all")

    async def retry(records: MailRecords, _: KeyRing) -> None:
        if mail_id is None:
            click.echo(f"{await records.retry_all()} mails are due now.")
        elif await records.retry(mail_id):
            click.echo("The mail is due now.")
        else:
            raise click.ClickException("the mail is sent, gone, or older than ten minutes")

    _run(retry)


def _run(work: Callable[[MailRecords, KeyRing], Awaitable[R]]) -> R:
    async def run() -> R:
        settings = load(KeySettings)
        async with open_database(settings.server) as database:
            keys = await load_keys(database, settings.secret_keys)
            return await work(MailRecords(database), keys)

    return asyncio.run(run())


def _recipient(record: MailRecord, keys: KeyRing, *, addresses: bool) -> str:
    if record.email is None:
        return "(erased)"
    return record.email.text if addresses else keys.log_digest(record.email.text)


def _time(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
