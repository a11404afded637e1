"""Databases for tests, made on a server that is started for this run and thrown away after it.

- REGISTRATION_TEST_DATABASE_URL names another server: databases are made beside the one in it, so the user must be
  allowed to make those whose names begin with that one's.
- REGISTRATION_TEST_SERVER=FOLDER takes the throwaway server out of another system (a chroot; needs root), to see how
  the suite does with another version. `make test-matrix` unpacks such systems and runs the suite with each; afterwards
  they are in /var/cache/registration-servers.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import pymysql

from registration.cli.migrate import DBMATE, MIGRATIONS
from tools.private_mariadb import PrivateServer, throwaway_server
from tools.server_distribution import HERE

ROOT = Path(__file__).resolve().parent.parent


class Databases:
    """Makes databases on one server, and drops them at the end."""

    def __init__(self, server_url: str) -> None:
        self._server_url = urlsplit(server_url)
        self._made: list[str] = []

    def empty(self) -> str:
        """Make a database without tables, and return its URL."""
        name = f"{self._server_url.path.strip('/')}_{uuid.uuid4().hex[:12]}"
        self._execute(f"CREATE DATABASE {name}")
        self._made.append(name)
        return urlunsplit(self._server_url._replace(path=f"/{name}"))

    def fresh(self) -> str:
        """Make a database with today's tables and no rows, and return its URL."""
        url = self.empty()
        migrate(url)
        return url

    def migrated_to(self, version: str) -> str:
        """Make a database with the tables as that migration has left them, and return its URL."""
        url = self.empty()
        with tempfile.TemporaryDirectory() as folder:
            for migration in MIGRATIONS.glob("*.sql"):
                if migration.name.partition("_")[0] <= version:
                    shutil.copy(migration, folder)
            subprocess.run(
                [DBMATE, "--migrations-dir", folder, "--no-dump-schema", "migrate"],
                env=os.environ | {"DATABASE_URL": url},
                stdout=subprocess.DEVNULL,
                check=True,
            )
        return url

    def drop_all(self) -> None:
        for name in self._made:
            self._execute(f"DROP DATABASE {name}")

    def _execute(self, statement: str) -> None:
        url = self._server_url
        connection = pymysql.connect(
            host=url.hostname,
            port=url.port or 3306,
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            connect_timeout=5,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)


def migrate(database_url: str) -> None:
    """Bring the database's tables up to date, as an operator does."""
    subprocess.run(
        [sys.executable, "-m", "registration", "migrate"],
        cwd=ROOT,
        env=os.environ | {"REGISTRATION_DATABASE_URL": database_url},
        stdout=subprocess.DEVNULL,
        check=True,
    )


@contextlib.contextmanager
def open_databases() -> Iterator[Databases]:
    named = os.environ.get("REGISTRATION_TEST_DATABASE_URL")
    if not named:
        with open_server() as server:
            yield Databases(server.url())
        return
    databases = Databases(named)
    try:
        yield databases
    finally:
        databases.drop_all()


def open_server(*options: str) -> contextlib.AbstractContextManager[PrivateServer]:
    """A throwaway server; the options are its own."""
    return throwaway_server(server_root(), options)


def server_root() -> Path:
    """The system that servers are taken from."""
    return Path(os.environ.get("REGISTRATION_TEST_SERVER") or HERE)
