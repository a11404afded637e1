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
LOCK_WAIT_SECONDS = 5
"""For a table that a transaction holds. Whoever comes after a migration that waits, waits for that; ours last for 4 s."""

NO_OTHER_AUTHORITY = {"SSL_CERT_DIR": os.devnull}
"""Or dbmate trusts, besides the one that is named, all that the system trusts."""


@click.command("migrate")
def command() -> None:
    """Bring the database's tables up to date; as many at once as may be, one works and the others wait for it."""
    asyncio.run(_migrate(load(DatabaseSettings).server))


async def _migrate(server: Server) -> None:
    async with hold_migration_lock(server):
        done = await asyncio.to_thread(run_dbmate, server)
    if done.returncode:
        raise click.ClickException(done.stderr.strip().rpartition("\n")[2])
    click.echo(done.stdout.strip() or "The tables are up to date.")


def run_dbmate(server: Server) -> subprocess.CompletedProcess[str]:
    """Run the migrations that have not run. The URL goes by the environment: `ps` shows everybody what arguments say."""
    user, password = quote(server.user, safe=""), quote(server.password, safe="")
    host = f"[{server.host}]" if ":" in server.host else server.host
    options = f"lock_wait_timeout={LOCK_WAIT_SECONDS}"
    environment = {**os.environ}
    if server.ssl_ca:
        options += "&tls=true"
        environment |= {"SSL_CERT_FILE": server.ssl_ca, **NO_OTHER_AUTHORITY}
    environment["DATABASE_URL"] = (
        f"mysql://{user}:{password}@{host}:{server.port}/{quote(server.database, safe='')}?{options}"
    )
    return subprocess.run(  # noqa: S603 - nothing of a caller is in it
        [DBMATE, "--migrations-dir", MIGRATIONS, "--no-dump-schema", "migrate"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
