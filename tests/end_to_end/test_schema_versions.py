"""What is promised of older tables and of newer ones: db/README.md, "Expand, then contract"."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pymysql
import pytest

from config.settings import ServiceSettings, load, parse_database_url
from registration.adapters.mysql.schema_version import NEWEST, OLDEST, UnsuitableSchemaError
from registration.bootstrap import open_services
from registration.stopping import Stopping
from tests.end_to_end.client import OTHER_PASSWORD, problem, somebody, wrong_code
from tests.end_to_end.service import DEFAULTS, LENIENT, environment, run
from tests.end_to_end.stage import Stage, activated, open_stage, registered
from tests.end_to_end.tables import accounts_of, mails_of, rows
from tests.private_database import ROOT, Databases

LATER = "29990101000100"


def change(url: str, *statements: str) -> None:
    server = parse_database_url(url)
    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def tables(url: str) -> set[str]:
    found = rows(url, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
    return {table for (table,) in found}


@pytest.fixture
def oldest(databases: Databases) -> str:
    """Tables as the oldest migration that will do has left them."""
    url = databases.migrated_to(OLDEST)
    assert len(tables(url)) == 6
    return url


@pytest.fixture
def expanded(databases: Databases) -> str:
    """Tables with all that migrations of later releases may add, without a word to this one."""
    url = databases.fresh()
    for table in tables(url) - {"schema_migrations"}:
        change(
            url,
            f"ALTER TABLE {table} ADD COLUMN later VARCHAR(20) NULL FIRST",
            f"ALTER TABLE {table} ADD COLUMN much_later INT NOT NULL DEFAULT 7, ADD KEY later (later)",
        )
    change(
        url,
        "CREATE TABLE later (id INT PRIMARY KEY)",
        f"INSERT INTO schema_migrations (version) VALUES ('{LATER}')",  # noqa: S608 - ours
    )
    return url


@pytest.fixture
def contracted(databases: Databases) -> str:
    """Tables from which a later release has taken something away."""
    url = databases.fresh()
    change(
        url,
        f"INSERT INTO schema_requirements VALUES ('{LATER}', '9.8.7')",  # noqa: S608 - ours
        f"INSERT INTO schema_migrations (version) VALUES ('{LATER}')",  # noqa: S608 - ours
    )
    return url


@pytest.fixture
def by_hand(databases: Databases) -> str:
    """Tables that `migrate` has not made."""
    url = databases.empty()
    change(url, *filter(str.strip, (ROOT / "db" / "schema.sql").read_text("utf-8").split(";\n")))
    return url


@pytest.fixture
def empty(databases: Databases) -> str:
    return databases.empty()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """The one of the fixtures above that a parameter names."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
async def stage(database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(database, tmp_path) as stage:
        yield stage


@pytest.mark.parametrize("database", ["oldest", "expanded"], indirect=True)
async def test_everything_goes_on(database: str, stage: Stage) -> None:
    service = await stage.serve(**LENIENT)
    client, ann, bob = service.client, somebody(), somebody()

    assert (await client.readiness()).json()["status"] == "ok"
    user = await activated(service, stage.sandbox, ann)
    assert (await client.look(ann)).json() == user
    assert (await client.register(ann.with_password(OTHER_PASSWORD))).status_code == 202
    first = await registered(service, stage.sandbox, bob)
    problem(await client.activate(bob, wrong_code({first.code})), 422, "incorrect-code", {"attempts_left"})
    assert (await client.new_code(bob)).status_code == 202
    second = await stage.sandbox.newest(bob.email, count=2)
    assert (await client.activate(bob, second.code)).status_code == 200
    assert (await client.erase(bob)).status_code == 204
    assert mails_of(database, bob.email) == []

    for kind in ("accounts SET registered_at", "mails SET created_at", "wrong_codes SET shown_at"):
        change(database, f"UPDATE {kind} = UTC_TIMESTAMP(6) - INTERVAL 2 YEAR")
    purged = await run("purge", {"database_url": database})
    assert (purged.returncode, purged.stderr) == (0, "")
    assert accounts_of(database, ann.email) == ["user"]
    assert rows(database, "SELECT COUNT(*) FROM wrong_codes") == [(0,)]
    assert service.errors() == []


@pytest.mark.parametrize(
    "database, advice",
    [
        ("empty", "run `python -m registration migrate`"),
        ("by_hand", "no list of the migrations that made them"),
        ("contracted", f"deploy release 9.8.7 or newer, which knows migration {LATER}"),
    ],
    indirect=["database"],
)
class TestServeRefuses:
    async def test_in_one_line_that_says_what_to_do(self, database: str, advice: str) -> None:
        done = await run("serve", {**DEFAULTS, "database_url": database})
        assert done.returncode == 1
        assert advice in done.stderr
        assert len(done.stderr.splitlines()) == 1

    async def test_under_another_servers_command_too(
        self, database: str, advice: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in environment({**DEFAULTS, "database_url": database}).items():
            monkeypatch.setenv(name, value)
        before = tables(database)
        with pytest.raises(UnsuitableSchemaError, match=re.escape(advice)):
            async with open_services(load(ServiceSettings), Stopping()):
                pass
        assert tables(database) == before


async def test_migrate_brings_the_oldest_up_to_date_beside_a_service_that_runs(
    oldest: str, tmp_path: Path
) -> None:
    async with open_stage(oldest, tmp_path) as stage:
        service = await stage.serve()
        done = await run("migrate", {"database_url": oldest})
        assert done.returncode == 0, done.stderr
        assert rows(oldest, "SELECT MAX(version) FROM schema_migrations") == [(NEWEST,)]
        await activated(service, stage.sandbox, somebody())
        assert service.errors() == []
