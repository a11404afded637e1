import asyncio
import os
import socket

import click
import structlog

from config.settings import WEAK_BCRYPT_COST, ServiceSettings, load
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import open_database
from registration.adapters.mysql.schema_version import read_schema_version
from registration.admin.server import CannotListen, listen
from registration.cli.server import Server
from registration.cli.workers import Supervisor, WorkersFailed, hash_threads
from registration.courier.rendering import Renderer, TemplateFault
from registration.domain.guess_chance import guess_chance
from registration.domain.policy import Policy
from registration.main import create_app
from registration.observability.logs import configure_logging
from registration.stopping import Stopping

HIGHEST_PORT = 65535

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@click.command("serve")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that share the port: for more than forty processors, or hashes of a low cost. Needs Redis.",
)
def command(workers: int) -> None:
    """Answer requests and send mails, until told to stop (SIGTERM, or Ctrl-C)."""
    settings = load(ServiceSettings)
    _check_templates(settings)
    _check_shared_limits(settings, workers)
    asyncio.run(_check_database(settings))
    with _listen("REGISTRATION_PORT", settings.host, settings.port) as listener:
        _check_admin_ports(settings, workers)
        configure_logging(settings.log_format, settings.log_level)
        if settings.bcrypt_cost < WEAK_BCRYPT_COST:
            log.warning("weak_bcrypt_cost", cost=settings.bcrypt_cost, advised=WEAK_BCRYPT_COST)
        _log_guess_chance(settings.policy)
        if workers == 1:
            _serve_alone(settings, listener)
        else:
            _serve_together(settings, listener, workers)


def _serve_alone(settings: ServiceSettings, listener: socket.socket) -> None:
    stopping = Stopping()
    if not Server(create_app(settings, stopping), stopping).has_served(listener):
        raise click.ClickException("The service cannot start; see the log.")


def _serve_together(settings: ServiceSettings, listener: socket.socket, workers: int) -> None:
    def serve_as(number: int, lifeline: int) -> bool:
        stopping = Stopping()
        own = settings.model_copy(update={"admin_port": _admin_port(settings, number)})
        threads = hash_threads(number, workers, os.cpu_count() or 1)
        return Server(create_app(own, stopping, threads), stopping, lifeline).has_served(listener)

    try:
        Supervisor(workers, serve_as, listener).run()
    except WorkersFailed as fault:
        raise click.ClickException(f"The service has stopped: {fault}.") from None


def _admin_port(settings: ServiceSettings, worker: int) -> int | None:
    """The private port of the worker of that number: each has its own figures."""
    return None if settings.admin_port is None else settings.admin_port + worker - 1


def _check_templates(settings: ServiceSettings) -> None:
    try:
        Renderer(settings.sender.display_name, settings.mail_templates)
    except TemplateFault as fault:
        raise click.ClickException(f"REGISTRATION_MAIL_TEMPLATES: {fault}") from None


def _check_shared_limits(settings: ServiceSettings, workers: int) -> None:
    """Counted in memory, every limit would hold for each worker by itself: so many times what is set."""
    if workers > 1 and settings.rate_limit_storage.get_secret_value() == "memory://":
        raise click.ClickException(
            "REGISTRATION_RATE_LIMIT_STORAGE: several workers need redis://host:port/number, or each would count "
            "wrong passwords and REGISTRATION_CLIENT_LIMITS for itself"
        )


def _check_admin_ports(settings: ServiceSettings, workers: int) -> None:
    for worker in range(1, workers + 1):
        port = _admin_port(settings, worker)
        if port is None:
            return
        if port > HIGHEST_PORT:
            raise click.ClickException(
                f"REGISTRATION_ADMIN_PORT: there is no port {port}, for worker {worker}"
            )
        _listen("REGISTRATION_ADMIN_PORT", settings.admin_host, port).close()


def _listen(variable: str, host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except CannotListen as fault:
        raise click.ClickException(f"{variable}: {fault} ({host}:{port})") from None


def _log_guess_chance(policy: Policy) -> None:
    chance = guess_chance(policy)
    log.info(
        "guess_chance",
        digits=policy.code_digits,
        per_day=chance.per_day,
        per_year=chance.per_year,
        mailbox_per_day=chance.mailbox_per_day,
    )


async def _check_database(settings: ServiceSettings) -> None:
    """Fail with one line now rather than with the server's traceback.

    Raises Unavailable, UnsuitableSchemaError or WrongSecretKeyError.
    """
    async with open_database(settings.server) as database:
        await database.read(read_schema_version)
        await load_keys(database, settings.secret_keys)
