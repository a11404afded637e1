import asyncio
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import click

from config.settings import DatabaseSettings, load
from registration.adapters.mysql.migration_lock import hold_migration_lock
from registration.adapters.mysql.server import Server

DBMATE = Path(sys.executable).with_name("dbmate")
MIGRATIONS = Path(__file__).parents[2] / "db" / "migrations"


@click.command("migrate")
def command() -> None:
    """Bring the database's tables up to date; as many at once as may be, one works and the others wait for it."""
    asyncio.run(_migrate(load(DatabaseSettings).server))


async def _migrate(server: Server) -> None:
    async with hold_migration_lock(server):
        done = await asyncio.to_thread(_dbmate, server)
    if done.returncode:
        raise click.ClickException(done.stderr.strip().rpartition("\n")[2])
    click.echo(done.stdout.strip() or "The tables are up to date.")


def _dbmate(server: Server) -> subprocess.CompletedProcess[str]:
    """The URL goes by the environment, where `ps` does not show its password to everybody."""
    user, password = quote(server.user, safe=""), quote(server.password, safe="")
    host = f"[{server.host}]" if ":" in server.host else server.host
    url = f"mysql://{user}:{password}@{host}:{server.port}/{quote(server.database, safe='')}"
    environment = os.environ | {"DATABASE_URL": url}
    if server.ssl_ca:
        environment |= {"DATABASE_URL": f"{url}?tls=true", "SSL_CERT_FILE": server.ssl_ca}
    return subprocess.run(  # noqa: S603 - nothing of a caller is in it
        [DBMATE, "--migrations-dir", MIGRATIONS, "--no-dump-schema", "migrate"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
