"""What `serve` is about to need, tried before it does."""

import asyncio
import contextlib
import errno
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import Literal, TypeVar

import click

from config.settings import (
    WEAK_BCRYPT_COST,
    AdminSettings,
    DatabaseSettings,
    KeySettings,
    MailSettings,
    PolicySettings,
    ServiceSettings,
    Settings,
    SettingsError,
    load,
)
from registration.adapters.keys import KeyRing, WrongSecretKeyError
from registration.adapters.mail.client import Unreachable, ask
from registration.adapters.mail.provider import Provider
from registration.adapters.mysql.data_keys import MySQLDataKeys
from registration.adapters.mysql.database import TablesMissingError, open_database
from registration.adapters.mysql.inspection import OLDEST_SERVERS, ReadOnlyError, read_facts, try_rights
from registration.adapters.mysql.refusals import AccessRefused, describe
from registration.adapters.mysql.schema_version import NEWEST, UnsuitableSchemaError, read_schema_version
from registration.adapters.rate_limiter import open_storage
from registration.admin.server import CannotListen, listen
from registration.courier.rendering import Renderer, TemplateFault
from registration.domain.errors import Unavailable

PATIENCE_SECONDS = 5.0
SUCCESSES = range(200, 300)
REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Finding:
    """A line that an operator reads. Never the value of a secret."""

    verdict: Literal["ok", "warn", "FAIL"]
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.verdict:4}  {self.subject:10}  {self.text}"


@click.command("check")
@click.pass_context
def command(context: click.Context) -> None:
    """Try beforehand all that `serve` needs, in the environment that it will have; a line each, and status 1 for a fault.

    Settings, templates, the database with its version, its tables and what we may do there, the data keys, Redis, each
    mail provider, the ports. Everything is tried, whatever fails. Nothing is changed, and no mail is sent.
    """
    context.exit(asyncio.run(_tell_all()))


async def _tell_all() -> int:
    """Return the status. Told before the loop ends, which waits for look-ups of names, however slow these are."""
    findings = await try_all()
    for finding in findings:
        click.echo(str(finding), err=finding.verdict == "FAIL")
    return any(finding.verdict == "FAIL" for finding in findings)


async def try_all() -> list[Finding]:
    """Return what was found, in the order in which it is told."""
    tried = await asyncio.gather(
        _try("settings", ServiceSettings, _settings),
        _try("database", DatabaseSettings, _database),
        _try("secret key", KeySettings, _secret_key),
        _try("limits", PolicySettings, _rate_limits),
        _try("templates", MailSettings, _templates),
        _try("mail", MailSettings, _mail),
        _try("port", AdminSettings, _ports),
    )
    return list(chain(*tried))


async def _try(subject: str, group: type[S], check: Callable[[S], Awaitable[list[Finding]]]) -> list[Finding]:
    try:
        return await check(load(group))
    except SettingsError as error:
        return [Finding("FAIL", subject, line) for line in error.lines if group is ServiceSettings]
    except Exception as error:  # noqa: BLE001 - the others are to be tried all the same
        return [Finding("FAIL", subject, _why(error))]


def _why(error: Exception) -> str:
    match error:
        case AccessRefused():
            return error.reason
        case Unavailable():
            cause = error.__cause__
            return f"The database does not answer: {describe(cause) if cause else 'no reason is known'}."
        case TablesMissingError():
            return "The database has no tables for it yet: run `python -m registration migrate`."
        case ReadOnlyError():
            return "The server takes no changes: it is read-only."
        case UnsuitableSchemaError() | WrongSecretKeyError() | TemplateFault() | CannotListen():
            return str(error)
        case _:
            return type(error).__name__  # its text may quote anything


async def _settings(settings: ServiceSettings) -> list[Finding]:
    findings = [Finding("ok", "settings", "all that `serve` needs is set")]
    if settings.bcrypt_cost < WEAK_BCRYPT_COST:
        text = f"REGISTRATION_BCRYPT_COST is {settings.bcrypt_cost}, which is for tests: {WEAK_BCRYPT_COST} or more"
        findings.append(Finding("warn", "settings", text))
    return findings


async def _database(settings: DatabaseSettings) -> list[Finding]:
    async with open_database(settings.server, connections=1) as database:
        facts = await database.read(read_facts)
        server = f"{facts.product} {facts.version}, {facts.tls or 'no TLS'}"
        if not facts.is_supported:
            oldest = ".".join(map(str, OLDEST_SERVERS[facts.product]))
            return [Finding("FAIL", "database", f"{server}: {oldest} or later is needed")]
        try:
            schema = await database.read(read_schema_version)
            await database.read(try_rights)
        except (UnsuitableSchemaError, ReadOnlyError, Unavailable) as error:
            return [Finding("FAIL", "database", f"{server}: {_why(error)}")]
    findings = [Finding("ok", "database", f"{server}, schema {schema}")]
    if schema < NEWEST:
        text = (
            f"schema {schema} will do, but this release brings {NEWEST}: run `python -m registration migrate`"
        )
        findings.append(Finding("warn", "database", text))
    return findings


async def _secret_key(settings: KeySettings) -> list[Finding]:
    async with open_database(settings.server, connections=1) as database:
        store = MySQLDataKeys(database)
        await KeyRing(store, settings.secret_keys).refresh()
        count = len(await store.all())
    text = f"opens the {count} data keys" if count else "there are no data keys yet: `serve` makes them"
    return [Finding("ok", "secret key", text)]


async def _rate_limits(settings: PolicySettings) -> list[Finding]:
    uri = settings.rate_limit_storage.get_secret_value()
    if uri == "memory://":
        return [Finding("ok", "limits", "on clients are counted in memory: by each process for itself")]
    with contextlib.suppress(TimeoutError):
        async with open_storage(uri) as storage, asyncio.timeout(PATIENCE_SECONDS):
            if await storage.check():
                return [Finding("ok", "limits", "Redis answers")]
    return [Finding("FAIL", "limits", "Redis does not answer, or refuses us")]


async def _templates(settings: MailSettings) -> list[Finding]:
    renderer = Renderer(settings.sender.display_name, settings.mail_templates)
    return [Finding("ok", "templates", ", ".join(renderer.languages))]


async def _mail(settings: MailSettings) -> list[Finding]:
    return await asyncio.gather(*map(_provider, settings.providers))


async def _provider(provider: Provider) -> Finding:
    try:
        status = await ask(provider, PATIENCE_SECONDS)
    except Unreachable as error:
        return Finding("FAIL", "mail", f"{provider.name}: {error}")
    answer = f"{provider.name} answers with HTTP {status}"
    if not provider.inquiry().shows_key:
        return Finding("ok", "mail", f"{answer}; whether it takes our key, a mail will show")
    if status in REFUSALS:
        return Finding("FAIL", "mail", f"{answer}: it refuses our key, or wants one")
    if status in SUCCESSES:
        return Finding("ok", "mail", f"{answer}, and lets us in")
    return Finding("warn", "mail", f"{answer} to a question that it should know")


async def _ports(settings: AdminSettings) -> list[Finding]:
    places = [(settings.host, settings.port)]
    if settings.admin_port is not None:
        places.append((settings.admin_host, settings.admin_port))
    return await asyncio.gather(*(_port(host, port) for host, port in places))


async def _port(host: str, port: int) -> Finding:
    place = f"{host}:{port}"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            (await asyncio.to_thread(listen, host, port)).close()
    except TimeoutError:
        return Finding("FAIL", "port", f"{place}: nobody says what address that is")
    except CannotListen as error:
        is_taken = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
        if is_taken:
            return Finding("warn", "port", f"{place} is taken; by the service that is to be replaced?")
        return Finding("FAIL", "port", f"{place}: {error}")
    return Finding("ok", "port", f"{place} is free")
