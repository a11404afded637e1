"""`check`, as an operator runs it before a roll-out: a real process, a real database, and what may be wrong with them."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pymysql
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pymysql.cursors import Cursor

from config.settings import parse_database_url
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import TimeLimits, open_database
from registration.adapters.mysql.schema_version import NEWEST, OLDEST
from registration.cli.check import try_all
from registration.sandbox.app import create_sandbox
from tests.end_to_end.service import environment, run
from tests.end_to_end.tables import rows
from tests.integration.mail.servers import unused_port
from tests.integration.mysql.authority import Authority
from tests.private_database import ROOT, Databases, open_server, server_root
from tools.addresses import LOOPBACK
from tools.private_mariadb import PrivateServer
from tools.private_redis import PrivateRedis

SECRET_KEY = "never-shown-the-key-of-the-tests-of-check"
OTHER_SECRET_KEY = "never-shown-another-key-of-the-tests-of-check"
MAIL_KEY = "never-shown-the-key-of-the-provider"


@dataclass(frozen=True, slots=True)
class Report:
    told: list[str]
    """On standard output."""
    faults: list[str]
    """On standard error."""

    def of(self, subject: str) -> str:
        """All that is said of it."""
        lines = [line for line in self.told + self.faults if line[6:].startswith(f"{subject} ")]
        assert lines, f"nothing is said of {subject}"
        return "\n".join(lines)


def report_of(told: str, faults: str) -> Report:
    assert "never-shown" not in told + faults
    report = Report(told.splitlines(), faults.splitlines())
    assert {line[:6] for line in report.told} <= {"ok    ", "warn  "}
    assert {line[:6] for line in report.faults} <= {"FAIL  "}
    return report


async def run_check(settings: Mapping[str, object]) -> Report:
    """Run the command as an operator does."""
    done = await run("check", settings)
    assert done.returncode == (1 if done.stderr else 0)
    return report_of(done.stdout, done.stderr)


Check = Callable[..., Awaitable[Report]]


@pytest.fixture
def check(settings: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> Check:
    """Do what the command does, but here, with some settings changed."""

    async def try_with(**changed: object) -> Report:
        for name in list(os.environ):
            if name.startswith("REGISTRATION_"):
                monkeypatch.delenv(name)
        for name, value in environment({**settings, **changed}).items():
            monkeypatch.setenv(name, value)
        findings = await try_all()
        faults = [str(finding) for finding in findings if finding.verdict == "FAIL"]
        others = [str(finding) for finding in findings if finding.verdict != "FAIL"]
        return report_of("\n".join(others), "\n".join(faults))

    return try_with


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[str]:
    async with TestServer(create_sandbox(lambda _: None)) as server:
        yield str(server.make_url("/"))


@pytest.fixture
def settings(database_url: str, provider: str) -> dict[str, object]:
    """With these all is well."""
    return {
        "database_url": database_url,
        "secret_key": SECRET_KEY,
        "mail_from": "Example <hello@example.org>",
        "mail_api_url": provider,
        "port": unused_port(),
    }


@pytest.fixture
def authority() -> Iterator[Authority]:
    """Its certificates are where the server finds them, whichever system that is taken from."""
    with tempfile.TemporaryDirectory(dir=server_root() / "tmp") as folder:
        yield Authority(Path(folder), "ours")


async def test_all_that_is_well_is_told_and_nothing_is_changed(
    settings: dict[str, object], authority: Authority
) -> None:
    with open_server(*authority.server_options(server_root())) as server:
        settings["database_url"] = f"{server.url()}?ssl_ca={authority.certificate}"
        migrated = await run("migrate", settings)
        assert migrated.returncode == 0, migrated.stderr
        report = await run_check(settings)
        assert rows(server.url(), "SELECT COUNT(*) FROM data_keys") == [(0,)]
    assert report.faults == []
    assert all(line.startswith("ok ") for line in report.told)
    assert server.distribution.kind in report.of("database")
    assert f", TLSv1.3, schema {NEWEST}" in report.of("database")
    assert "there are no data keys yet" in report.of("secret key")
    assert "memory" in report.of("limits")
    assert "de, en, fr" in report.of("templates")
    assert "mailpit answers with HTTP 200" in report.of("mail")
    assert f"{LOOPBACK}:{settings['port']} is free" in report.of("port")


async def test_everything_is_tried_whatever_fails(settings: dict[str, object]) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        taken = listening.getsockname()[1]
        settings |= {
            "database_url": str(settings["database_url"]).replace(
                "://registration:", "://nobody:never-shown"
            ),
            "mail_provider": "mailpit,postmark",
            "mail_mailpit_api_url": f"http://{LOOPBACK}:{unused_port()}",
            "mail_postmark_api_url": f"http://{LOOPBACK}:{unused_port()}",
            "mail_postmark_api_key": MAIL_KEY,
            "rate_limit_storage": f"redis://:never-shown@{LOOPBACK}:{unused_port()}/0",
            "bcrypt_cost": 4,
            "port": taken,
            "admin_host": "192.0.2.1",
            "admin_port": unused_port(),
        }
        report = await run_check(settings)
    assert len(report.faults) == 6
    assert "refuses the user or the password" in report.of("database")
    assert "refuses the user or the password" in report.of("secret key")
    assert "mailpit: connection refused" in report.of("mail")
    assert "postmark: connection refused" in report.of("mail")
    assert "Redis does not answer" in report.of("limits")
    assert "192.0.2.1" in report.of("port")
    assert f"warn  port        {LOOPBACK}:{taken} is taken" in report.of("port")
    assert "REGISTRATION_BCRYPT_COST is 4" in report.of("settings")
    assert report.of("templates").startswith("ok ")


async def test_settings_that_are_wrong_do_not_keep_the_others_from_being_tried(check: Check) -> None:
    report = await check(port="http", secret_key="never-shown")
    assert [line.partition(":")[0] for line in report.faults] == [
        "FAIL  settings    REGISTRATION_PORT",
        "FAIL  settings    REGISTRATION_SECRET_KEY",
    ]
    assert report.of("database").startswith("ok ")
    assert report.of("mail").startswith("ok ")


async def test_a_database_that_is_down_says_why(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = partial(open_database, limits=TimeLimits(work=0.2))
    monkeypatch.setattr("registration.cli.check.open_database", impatient)
    report = await check(database_url=f"mysql://u:never-shown@{LOOPBACK}:{unused_port()}/name")
    assert "OperationalError 2003 (ConnectionRefusedError)" in report.of("database")


async def test_a_name_that_takes_long_to_look_up_keeps_no_line_back(
    settings: dict[str, object], tmp_path: Path
) -> None:
    """The look-up lasts until a line is told, for a thread in which it runs cannot be ended."""
    program = tmp_path / "check.py"
    program.write_text(SLOW_LOOK_UPS)
    done = await asyncio.to_thread(
        partial(subprocess.run, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False),
        [sys.executable, program],
        env=environment({**settings, "mail_api_url": "http://never.example"}) | {"PYTHONPATH": str(ROOT)},
    )
    assert GAVE_UP not in done.stdout
    report = report_of(done.stdout, done.stderr)
    assert "out of time" in report.of("mail")
    assert report.of("database").startswith("ok ")


async def test_a_place_whose_name_takes_long_to_look_up_is_a_fault_in_time(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    monkeypatch.setattr("registration.cli.check.listen", lambda *_: told.wait(30))
    monkeypatch.setattr("registration.cli.check.PATIENCE_SECONDS", 0.5)
    report = await check()
    told.set()
    assert "nobody says what address that is" in report.of("port")
    assert report.of("database").startswith("ok ")


GAVE_UP = "the look-up gave up\n"

SLOW_LOOK_UPS = f"""
import socket, sys, threading
import click

look_up, echo, told = socket.getaddrinfo, click.echo, threading.Event()

def look_up_slowly(host, *args, **options):
    if host == "never.example":
        if not told.wait(30):
            sys.stdout.write({GAVE_UP!r})
        raise socket.gaierror(socket.EAI_AGAIN, "try again")
    return look_up(host, *args, **options)

def tell(*args, **options):
    echo(*args, **options)
    told.set()

socket.getaddrinfo, click.echo = look_up_slowly, tell
sys.argv = ["registration", "check"]
from registration.cli import check, main
check.PATIENCE_SECONDS = 0.5
main()
"""


class TestTheSchema:
    async def test_that_is_not_there_yet_asks_for_migrate(self, check: Check, databases: Databases) -> None:
        url = databases.empty()
        report = await check(database_url=url)
        assert report.of("database").startswith("FAIL")
        assert "run `python -m registration migrate`" in report.of("database")
        assert rows(url, "SHOW TABLES") == []

    async def test_that_will_do_but_is_not_the_newest_is_a_warning(
        self, check: Check, databases: Databases
    ) -> None:
        report = await check(database_url=databases.migrated_to(OLDEST))
        assert report.faults == []
        assert f"warn  database    schema {OLDEST} will do" in report.of("database")


class TestTheSecretKey:
    async def test_opens_the_data_keys_or_does_not(self, check: Check, databases: Databases) -> None:
        url = databases.fresh()
        async with open_database(parse_database_url(url), connections=1) as database:
            await load_keys(database, [SECRET_KEY])
        assert "opens the 4 data keys" in (await check(database_url=url)).of("secret key")
        report = await check(database_url=url, secret_key=OTHER_SECRET_KEY)
        assert report.of("secret key").startswith("FAIL")


class TestWhatWeMayDo:
    @pytest.fixture
    def grants(self, own_server: PrivateServer) -> Iterator[Cursor]:
        """What somebody may do, who may do all that the service does."""
        connection = pymysql.connect(
            unix_socket=str(own_server.socket), user=own_server.owner, autocommit=True
        )
        with connection, connection.cursor() as owner:
            owner.execute(f"CREATE USER one@'{LOOPBACK}' IDENTIFIED BY 'never-shown'")
            owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON registration.* TO one@'{LOOPBACK}'")
            yield owner

    async def test_is_tried(self, check: Check, own_server: PrivateServer, grants: Cursor) -> None:
        url = f"mysql://one:never-shown@{LOOPBACK}:{own_server.port}/registration"
        assert (await check(database_url=url)).faults == []
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            grants.execute(f"REVOKE {right} ON registration.* FROM one@'{LOOPBACK}'")
            report = await check(database_url=url)
            assert report.of("database").startswith("FAIL")
            assert "lacks a right" in report.of("database")
            grants.execute(f"GRANT {right} ON registration.* TO one@'{LOOPBACK}'")

        grants.execute("SET GLOBAL read_only = 1")
        assert "read-only" in (await check(database_url=url)).of("database")


async def test_redis_answers_or_does_not(
    check: Check, own_redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await check(rate_limit_storage=own_redis.url)
    assert report.of("limits") == "ok    limits      Redis answers"

    monkeypatch.setattr("registration.cli.check.PATIENCE_SECONDS", 0.2)
    own_redis.pause()
    report = await check(rate_limit_storage=own_redis.url)
    assert "Redis does not answer" in report.of("limits")


@pytest.mark.parametrize(
    "name, status, verdict, said",
    [
        ("postmark", 200, "ok  ", "lets us in"),
        ("postmark", 401, "FAIL", "refuses our key"),
        ("postmark", 403, "FAIL", "refuses our key"),
        ("postmark", 503, "warn", "HTTP 503"),
        ("resend", 401, "ok  ", "a mail will show"),
    ],
)
async def test_a_providers_answer_is_read(
    check: Check, name: str, status: int, verdict: str, said: str
) -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        report = await check(mail_provider=name, mail_api_url=server.make_url(""), mail_api_key=MAIL_KEY)
    assert report.of("mail").startswith(verdict)
    assert said in report.of("mail")
