import asyncio
import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import click
import structlog
import uvicorn

from config.settings import WEAK_BCRYPT_COST, ServiceSettings, load
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import open_database
from registration.adapters.mysql.schema_version import read_schema_version
from registration.admin.server import CannotListen, listen
from registration.cli.http_protocol import BoundedHttpProtocol
from registration.courier.rendering import Renderer, TemplateFault
from registration.domain.guess_chance import guess_chance
from registration.domain.policy import Policy
from registration.main import create_app
from registration.observability.logs import configure_logging
from registration.stopping import Stopping

GRACEFUL_SECONDS = 3

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@click.command("serve")
def command() -> None:
    """Answer requests and send mails, until told to stop (SIGTERM, or Ctrl-C)."""
    settings = load(ServiceSettings)
    _check_templates(settings)
    _check_admin_port(settings)
    asyncio.run(_check_database(settings))
    configure_logging(settings.log_format, settings.log_level)
    if settings.bcrypt_cost < WEAK_BCRYPT_COST:
        log.warning("weak_bcrypt_cost", cost=settings.bcrypt_cost, advised=WEAK_BCRYPT_COST)
    _log_guess_chance(settings.policy)
    stopping = Stopping()
    config = uvicorn.Config(
        create_app(settings, stopping),
        host=settings.host,
        port=settings.port,
        http=BoundedHttpProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    server = Server(config, stopping)
    server.run()
    if not server.started:
        raise click.ClickException(
            f"cannot serve on {settings.host}:{settings.port}; see the log; is REGISTRATION_PORT taken?"
        )


class Server(uvicorn.Server):
    """uvicorn's server, which says at once that it stops, and for which a stop that was asked for is a success."""

    def __init__(self, config: uvicorn.Config, stopping: Stopping) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.begin()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, but without raising the signal again at the end: that would be the exit status."""
        former = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


def _check_templates(settings: ServiceSettings) -> None:
    try:
        Renderer(settings.sender.display_name, settings.mail_templates)
    except TemplateFault as fault:
        raise click.ClickException(f"REGISTRATION_MAIL_TEMPLATES: {fault}") from None


def _check_admin_port(settings: ServiceSettings) -> None:
    if settings.admin_port is None:
        return
    try:
        listen(settings.admin_host, settings.admin_port).close()
    except CannotListen as fault:
        raise click.ClickException(f"REGISTRATION_ADMIN_PORT: {fault}") from None


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
