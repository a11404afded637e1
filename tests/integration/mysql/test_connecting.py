"""Whom the password is shown to: impostors on the way, and real servers with TLS and without."""

import asyncio
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import LiteralString

import pytest
from structlog.testing import capture_logs

from config.settings import parse_database_url
from registration.adapters.mysql import migration_lock
from registration.adapters.mysql.database import Connection, Database, open_database
from registration.adapters.mysql.migration_lock import hold_migration_lock
from registration.adapters.mysql.refusals import AccessRefused
from registration.adapters.mysql.server import Server
from registration.cli import migrate
from registration.cli.migrate import run_dbmate
from registration.domain.errors import Unavailable
from tests.integration.mysql.authority import Authority
from tests.integration.mysql.impostor import PASSWORD, ask_for, error, greeting, impostor
from tests.integration.mysql.wiretap import wiretap
from tests.private_database import open_server, server_root
from tools.private_mariadb import PrivateServer
from tools.server_distribution import find

NO_TLS = "offers no TLS"
IN_THE_CLEAR = "in the clear"
NOT_TRUSTED = "certificate is not trusted"
WRONG_PASSWORD = "refuses the user or the password"

KEY_WANTED = b"\x01\x00\x00\x03\x02"
"""The packet by which a client asks a MySQL server for its public key, to encrypt the password with."""

Connect = Callable[[Server], Awaitable[None]]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the server finds its certificates, whichever system it is taken from."""
    with tempfile.TemporaryDirectory(dir=server_root() / "tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder, "ours")


@pytest.fixture(scope="module")
def another_authority(folder: Path) -> Authority:
    return Authority(folder, "another")


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[PrivateServer]:
    """It speaks TLS with whoever wants to."""
    with open_server(*authority.server_options(server_root())) as server:
        yield server


@pytest.fixture(scope="module")
def server_without_tls() -> Iterator[PrivateServer]:
    with open_server("--skip-ssl" if find(server_root()).kind == "MariaDB" else "--tls-version=") as server:
        yield server


def changed(server: PrivateServer, setting: str, value: str) -> Server:
    return replace(parse_database_url(server.url()), **{setting: value})  # type: ignore[arg-type]  # all are text


def over_tls(server: PrivateServer, authority: Authority) -> Server:
    return changed(server, "ssl_ca", str(authority.certificate))


async def work(server: Server) -> None:
    """Connect as the service and most commands do."""
    async with open_database(server) as database:
        await value(database, "SELECT 1")


async def lock(server: Server) -> None:
    """Connect as `migrate` does."""
    async with hold_migration_lock(server):
        pass


async def value(database: Database, sql: LiteralString) -> object:
    async def read(connection: Connection) -> object:
        return (await connection.fetch_all(sql))[0][-1]

    return await database.read(read)


each_way = pytest.mark.parametrize("connect", [work, lock])


class TestAnImpostor:
    @each_way
    async def test_without_tls_is_told_nothing_where_tls_is_wanted(
        self, connect: Connect, authority: Authority
    ) -> None:
        async with impostor(greeting()) as one:
            with pytest.raises(AccessRefused, check=lambda refusal: NO_TLS in refusal.reason):
                await connect(one.server(authority.certificate))
        assert one.told == b""

    @each_way
    async def test_whose_greeting_asks_for_the_password_in_the_clear_is_told_nothing(
        self, connect: Connect
    ) -> None:
        async with impostor(greeting(plugin="mysql_clear_password")) as one:
            with pytest.raises(AccessRefused, check=lambda refusal: IN_THE_CLEAR in refusal.reason):
                await connect(one.server())
        assert one.told == b""

    @each_way
    async def test_who_asks_for_it_later_is_not_told_either(self, connect: Connect) -> None:
        async with impostor(greeting(), ask_for("mysql_clear_password")) as one:
            with pytest.raises(AccessRefused, check=lambda refusal: IN_THE_CLEAR in refusal.reason):
                await connect(one.server())
        assert b"mysql_native_password" in one.told
        assert PASSWORD.encode() not in one.told

    @each_way
    async def test_who_is_no_database_is_said_to_be_none(self, connect: Connect) -> None:
        async with impostor(b"SSH-2.0-OpenSSH_9.9\r\n") as one:
            with pytest.raises(AccessRefused, check=lambda refusal: "neither MariaDB" in refusal.reason):
                await connect(one.server())

    async def test_who_says_nothing_does_not_keep_migrate_waiting(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(migration_lock, "CONNECT_SECONDS", 0.2)
        async with impostor(b"") as one:
            with pytest.raises(Unavailable):
                await lock(one.server())


class TestAServerWithTls:
    async def test_is_spoken_to_over_it(self, server: PrivateServer, authority: Authority) -> None:
        async with open_database(over_tls(server, authority)) as database:
            assert await value(database, "SHOW SESSION STATUS LIKE 'Ssl_version'") in {"TLSv1.2", "TLSv1.3"}

    @each_way
    async def test_is_not_trusted_on_the_word_of_another_authority(
        self, connect: Connect, server: PrivateServer, another_authority: Authority
    ) -> None:
        with pytest.raises(AccessRefused, check=lambda refusal: NOT_TRUSTED in refusal.reason):
            await connect(over_tls(server, another_authority))

    @each_way
    async def test_is_not_trusted_under_another_name(
        self, connect: Connect, server: PrivateServer, authority: Authority
    ) -> None:
        with pytest.raises(AccessRefused, check=lambda refusal: NOT_TRUSTED in refusal.reason):
            await connect(replace(over_tls(server, authority), host="localhost"))


class TestAServerWithoutTls:
    @each_way
    async def test_is_refused_where_tls_is_wanted(
        self, connect: Connect, server_without_tls: PrivateServer, authority: Authority
    ) -> None:
        with pytest.raises(AccessRefused, check=lambda refusal: NO_TLS in refusal.reason):
            await connect(over_tls(server_without_tls, authority))

    async def test_that_takes_the_place_of_one_with_it_is_down_to_a_service_that_runs(
        self, server_without_tls: PrivateServer, authority: Authority
    ) -> None:
        async with open_database(over_tls(server_without_tls, authority)) as database:
            assert not await database.answers()


class TestCachingSha2Password:
    """How MySQL has a password proven: by all of it to a server that has not seen it yet, then by a hash of a hash."""

    @pytest.fixture
    async def unseen(self, server: PrivateServer) -> Server:
        """Where the password is set anew, so that the server has not seen it yet."""
        if server.distribution.kind != "MySQL":
            pytest.skip("MariaDB has passwords proven in other ways")
        usual = parse_database_url(server.url())
        async with open_database(usual) as database:
            user = str(await value(database, "SHOW CREATE USER CURRENT_USER()"))
            assert "IDENTIFIED WITH 'caching_sha2_password'" in user
            await database.read(lambda connection: connection.execute("SET PASSWORD = %s", usual.password))
        return usual

    @each_way
    async def test_goes_encrypted_with_the_servers_key_where_there_is_no_tls(
        self, connect: Connect, unseen: Server
    ) -> None:
        async with wiretap(unseen) as tap:
            await connect(tap.server)
        assert KEY_WANTED in tap.told
        assert unseen.password.encode() not in tap.told

    @each_way
    async def test_is_proven_by_a_hash_once_the_server_has_seen_it(
        self, connect: Connect, unseen: Server
    ) -> None:
        await work(unseen)
        async with wiretap(unseen) as tap:
            await connect(tap.server)
        assert b"caching_sha2_password" in tap.told
        assert KEY_WANTED not in tap.told
        assert unseen.password.encode() not in tap.told

    @each_way
    async def test_goes_within_tls_and_counts_as_seen_then(
        self, connect: Connect, unseen: Server, authority: Authority
    ) -> None:
        async with wiretap(replace(unseen, ssl_ca=str(authority.certificate))) as tap:
            await connect(tap.server)
            await connect(tap.server)
        assert b"caching_sha2_password" not in tap.told  # all of it was within
        async with wiretap(unseen) as tap:
            await connect(tap.server)
        assert KEY_WANTED not in tap.told

    @each_way
    async def test_is_refused_if_it_is_wrong_in_each_way(
        self, connect: Connect, unseen: Server, authority: Authority
    ) -> None:
        for server in (unseen, replace(unseen, ssl_ca=str(authority.certificate))):
            with pytest.raises(AccessRefused, check=lambda refusal: WRONG_PASSWORD in refusal.reason):
                await connect(replace(server, password="wrong"))

    async def test_goes_with_dbmate_in_each_way(self, unseen: Server, authority: Authority) -> None:
        over_tls = replace(unseen, ssl_ca=str(authority.certificate))
        for server in (unseen, unseen, over_tls):
            assert (await asyncio.to_thread(run_dbmate, server)).returncode == 0


class TestWhatTheOperatorHasToMend:
    @pytest.mark.parametrize(
        "setting, wrong, reason",
        [
            ("password", "wrong", WRONG_PASSWORD),
            ("user", "nobody", WRONG_PASSWORD),
            ("database", "registration_none", "no database of the name"),
            ("database", "mysql", "may not use the database"),
        ],
    )
    @each_way
    async def test_is_named_at_once(
        self, connect: Connect, server: PrivateServer, setting: str, wrong: str, reason: str
    ) -> None:
        with pytest.raises(AccessRefused, check=lambda refusal: reason in refusal.reason):
            await connect(changed(server, setting, wrong))

    @pytest.mark.parametrize(
        "answers, reason",
        [
            ([error(1130, "HY000", after=0)], "no connections from this host"),
            ([greeting(), error(3159, "HY000", after=1)], "wants TLS"),
        ],
    )
    async def test_is_named_whenever_the_server_says_so(self, answers: list[bytes], reason: str) -> None:
        async with impostor(*answers) as one:
            with pytest.raises(AccessRefused, check=lambda refusal: reason in refusal.reason):
                await work(one.server())

    async def test_is_in_the_log_with_its_number_and_without_a_word_of_the_server(
        self, server: PrivateServer
    ) -> None:
        with capture_logs() as log, pytest.raises(AccessRefused) as refused:
            await work(changed(server, "user", "somebody-else"))
        [line] = log
        assert line == {
            "event": "database_unavailable",
            "log_level": "warning",
            "error": "OperationalError 1045",
            "reason": refused.value.reason,
        }

    async def test_a_password_may_have_any_characters(self, server: PrivateServer) -> None:
        usual = parse_database_url(server.url())
        async with open_database(usual) as database:
            await value(database, "SELECT 1")

            async def set_password(connection: Connection, password: str) -> None:
                await connection.execute("SET PASSWORD = /*M! PASSWORD( */ %s /*M! ) */", password)

            await database.read(lambda connection: set_password(connection, "Crème brûlée: 3 €"))
            try:
                await work(replace(usual, password="Crème brûlée: 3 €"))
            finally:
                await database.read(lambda connection: set_password(connection, usual.password))


class TestDbmate:
    """It connects by itself, with the driver of another language."""

    async def test_does_not_hold_everybody_up_behind_a_transaction_that_goes_on(
        self, server: PrivateServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(migrate, "LOCK_WAIT_SECONDS", 1)
        monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)
        alter = (
            "-- migrate:up\nALTER TABLE busy ADD COLUMN more INT NULL;\n-- migrate:down\nDROP TABLE busy;\n"
        )
        (tmp_path / "20990101000100_alter.sql").write_text(alter)
        reached = parse_database_url(server.url())

        async def hold(connection: Connection) -> subprocess.CompletedProcess[str]:
            await connection.execute("SELECT COUNT(*) FROM busy")
            return await asyncio.to_thread(run_dbmate, reached)

        async with open_database(reached) as database:
            await database.read(
                lambda connection: connection.execute("CREATE TABLE busy (id INT PRIMARY KEY)")
            )
            done = await database.transact(hold)
        assert done.returncode != 0
        assert "Lock wait timeout" in done.stderr

    async def test_goes_over_tls(self, server: PrivateServer, authority: Authority) -> None:
        assert run_dbmate(over_tls(server, authority)).returncode == 0

    async def test_does_not_speak_in_the_clear_where_tls_is_wanted(
        self, server_without_tls: PrivateServer, authority: Authority
    ) -> None:
        async with impostor(greeting()) as one:
            done = await asyncio.to_thread(run_dbmate, one.server(authority.certificate))
        assert done.returncode != 0
        assert one.told == b""
        assert "TLS" in run_dbmate(over_tls(server_without_tls, authority)).stderr

    async def test_trusts_nobody_but_the_authority_that_is_named(
        self,
        server: PrivateServer,
        authority: Authority,
        another_authority: Authority,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Not even those that the system trusts."""
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        monkeypatch.setenv("SSL_CERT_DIR", str(authority.certificate.parent))
        assert "certificate" in run_dbmate(over_tls(server, another_authority)).stderr

    async def test_does_not_show_the_password_to_who_asks_for_it(self) -> None:
        async with impostor(greeting(), ask_for("mysql_clear_password")) as one:
            assert (await asyncio.to_thread(run_dbmate, one.server())).returncode != 0
        assert PASSWORD.encode() not in one.told
