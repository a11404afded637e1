import asyncio

import click
import uvicorn

from config.settings import ServiceSettings, load
from registration.adapters.keys import KeyRing
from registration.adapters.mysql.data_keys import MySQLDataKeys
from registration.adapters.mysql.database import open_database
from registration.main import create_app

GRACEFUL_SECONDS = 3


@click.command("serve")
def command() -> None:
    """Answer requests and send mails, until told to stop (SIGTERM, or Ctrl-C)."""
    settings = load(ServiceSettings)
    asyncio.run(_check_database(settings))
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


async def _check_database(settings: ServiceSettings) -> None:
    """Fail with one line now rather than with the server's traceback. Raises Unavailable or WrongSecretKeyError."""
    async with open_database(settings.server) as database:
        await KeyRing(MySQLDataKeys(database), settings.secret_keys).load()
