"""The command line as an operator uses it: real processes, a real database."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pymysql
import pytest

from config.settings import parse_database_url
from tests.private_database import Databases

SECRET = "the-first-secret-of-the-tests-is-long"
NEXT_SECRET = "the-second-secret-of-the-tests-is-long"


def run(*arguments: str, answer: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """`answer` is what is typed."""
    return subprocess.run(
        [sys.executable, "-m", "registration", *arguments],
        env=environment(settings),
        input=answer,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_on_a_terminal(*arguments: str, **settings: str) -> str:
    """Return all that can be read there."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            [sys.executable, "-m", "registration", *arguments],
            env=environment(settings),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        read = b""
        try:
            while piece := terminal.read(4096):
                read += piece
        except OSError:  # Linux says so that nobody has the terminal open any more
            pass
        assert process.wait(60) == 0
    return read.decode()


def environment(settings: dict[str, str]) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRATION_")}
    return others | {f"REGISTRATION_{name.upper()}": value for name, value in settings.items()}


def let_pass(settings: dict[str, str], days: int) -> None:
    """Let what is in the database be older by so many days."""
    server = parse_database_url(settings["database_url"])
    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE accounts SET registered_at = registered_at - INTERVAL %s DAY", (days,))
        cursor.execute("UPDATE mails SET created_at = created_at - INTERVAL %s DAY", (days,))


@pytest.fixture
def settings(fresh_database: Callable[[], str]) -> dict[str, str]:
    return {"database_url": fresh_database(), "secret_key": SECRET, "bcrypt_cost": "4"}


@pytest.mark.parametrize(
    "command",
    [
        *["", "serve", "migrate", "check", "sandbox", "fixtures", "rekey", "purge"],
        *["mails", "mails list", "mails retry", "users", "users show", "users erase", "users unlock"],
    ],
)
def test_every_command_explains_itself(command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


def test_an_unknown_command_is_one_line_on_standard_error() -> None:
    done = run("sirve")
    assert done.returncode != 0
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


class TestSettings:
    def test_every_fault_is_told_at_once_by_name_and_without_the_value(self) -> None:
        done = run(
            "serve",
            database_url="postgres://user:hunter2@host/name",
            secret_key="short-secret",
            port="http",
            bcrypt_cost="3",
            mail_from="nobody",
        )
        assert done.returncode != 0
        lines = done.stderr.splitlines()
        named = {line.partition(":")[0].removeprefix("REGISTRATION_") for line in lines}
        assert named == {"DATABASE_URL", "SECRET_KEY", "PORT", "BCRYPT_COST", "MAIL_FROM"}
        assert "hunter2" not in done.stderr
        assert "short-secret" not in done.stderr

    def test_a_command_wants_only_its_own(self, fresh_database: Callable[[], str]) -> None:
        assert run("migrate", database_url=fresh_database()).returncode == 0

    def test_a_secret_can_come_from_a_file(self, settings: dict[str, str], tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text(f"{settings.pop('secret_key')}\n")
        assert run("rekey", **settings, secret_key_file=str(file)).returncode == 0

    def test_a_file_that_cannot_be_read_is_named(self, settings: dict[str, str]) -> None:
        settings.pop("secret_key")
        done = run("rekey", **settings, secret_key_file="/does/not/exist")
        assert done.stderr.startswith("REGISTRATION_SECRET_KEY_FILE:")
        assert len(done.stderr.splitlines()) == 1

    def test_a_database_that_does_not_answer_is_one_line(self, settings: dict[str, str]) -> None:
        settings["database_url"] = "mysql://nobody:secret@127.0.0.1:1/none"
        for command in ("serve", "migrate", "rekey"):
            done = run(command, **settings, mail_from="Example <hello@example.org>")
            assert done.returncode != 0
            assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    ["serve", "migrate", "rekey", "fixtures", "purge", "mails list", "users show ann@example.org"],
)
def test_a_database_that_will_not_have_us_is_one_line_that_says_why(database_url: str, command: str) -> None:
    user, _, rest = database_url.rpartition("@")
    done = run(
        *command.split(),
        database_url=f"{user}-never-shown@{rest}",
        secret_key=SECRET,
        mail_from="Example <a@example.org>",
    )
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("The database refuses the user or the password")
    assert "never-shown" not in line


def test_a_template_of_the_operators_that_cannot_be_used_is_named(
    settings: dict[str, str], tmp_path: Path
) -> None:
    template = tmp_path / "1" / "en" / "activation-code.txt"
    template.parent.mkdir(parents=True)
    template.write_text("Your code is {{ kode }}.\n")
    done = run("serve", **settings, mail_from="Example <a@example.org>", mail_templates=str(tmp_path))
    assert done.returncode != 0
    [line] = done.stderr.splitlines()
    assert "REGISTRATION_MAIL_TEMPLATES" in line
    assert "activation-code.txt" in line


@pytest.mark.parametrize(
    "command", ["serve", "rekey", "fixtures", "mails list", "purge", "users show ann@example.org"]
)
def test_before_the_first_migration_every_command_says_what_to_run(
    databases: Databases, command: str
) -> None:
    done = run(
        *command.split(),
        database_url=databases.empty(),
        secret_key=SECRET,
        mail_from="Example <a@example.org>",
    )
    assert done.returncode != 0
    assert "python -m registration migrate" in done.stderr
    assert len(done.stderr.splitlines()) == 1


class TestMigrate:
    def test_from_many_replicas_at_once_is_safe(self, databases: Databases) -> None:
        url = databases.empty()
        with ThreadPoolExecutor(3) as pool:
            done = list(pool.map(lambda _: run("migrate", database_url=url), range(3)))
        assert [one.returncode for one in done] == [0, 0, 0], [one.stderr for one in done]

    def test_a_second_time_changes_nothing(self, fresh_database: Callable[[], str]) -> None:
        done = run("migrate", database_url=fresh_database())
        assert (done.returncode, done.stdout) == (0, "The tables are up to date.\n")


class TestRekey:
    def test_lets_the_old_secret_go(self, settings: dict[str, str]) -> None:
        assert run("rekey", **settings).returncode == 0
        rotating = settings | {"secret_key": f"{NEXT_SECRET},{SECRET}"}
        assert run("rekey", **rotating).returncode == 0
        assert run("mails", "list", **settings | {"secret_key": NEXT_SECRET}).returncode == 0

    def test_the_wrong_secret_is_one_line_that_says_what_to_do(self, settings: dict[str, str]) -> None:
        assert run("rekey", **settings).returncode == 0
        done = run("rekey", **settings | {"secret_key": NEXT_SECRET})
        assert done.returncode != 0
        assert "list the former key behind the new one" in done.stderr
        assert len(done.stderr.splitlines()) == 1


class TestFixtures:
    def test_make_one_of_each_state_and_leave_what_is_there(self, settings: dict[str, str]) -> None:
        first, second = run("fixtures", **settings), run("fixtures", **settings)
        assert (first.returncode, second.returncode) == (0, 0)
        assert len(first.stdout.splitlines()) == 5
        assert all(line.endswith("is there already") for line in second.stdout.splitlines())

    def test_are_refused_where_mails_go_to_people(self, settings: dict[str, str]) -> None:
        done = run("fixtures", **settings, mail_provider="postmark")
        assert done.returncode != 0
        assert "development only" in done.stderr


class TestMails:
    @pytest.fixture
    def settings(self, settings: dict[str, str]) -> dict[str, str]:
        assert run("fixtures", **settings).returncode == 0
        return settings

    def test_are_listed_by_state_with_their_reasons_and_without_addresses(
        self, settings: dict[str, str]
    ) -> None:
        done = run("mails", "list", **settings)
        [line] = done.stdout.splitlines()
        assert "recipient refused" in line
        assert "@" not in done.stdout
        assert "bounced@example.org" in run("mails", "list", "--addresses", **settings).stdout

    def test_are_shown_with_all_that_is_known(self, settings: dict[str, str]) -> None:
        mail_id = run("mails", "list", **settings).stdout.split()[0]
        document = json.loads(run("mails", "show", mail_id, **settings).stdout)
        assert (document["state"], document["reason"]) == ("failed", "recipient refused")
        assert "@" not in json.dumps(document)

    def test_that_failed_can_be_sent_again(self, settings: dict[str, str]) -> None:
        mail_id = run("mails", "list", **settings).stdout.split()[0]
        assert run("mails", "retry", mail_id, **settings).returncode == 0
        assert mail_id in run("mails", "list", "--state", "queued", **settings).stdout

    def test_that_were_accepted_cannot(self, settings: dict[str, str]) -> None:
        mail_id = run("mails", "list", "--state", "accepted", **settings).stdout.split()[0]
        done = run("mails", "retry", mail_id, **settings)
        assert done.returncode != 0
        assert len(done.stderr.splitlines()) == 1

    def test_can_all_be_sent_again(self, settings: dict[str, str]) -> None:
        assert run("mails", "retry", "--all", **settings).stdout == "1 mails are due now.\n"


@pytest.fixture(scope="module")
def stocked(databases: Databases) -> dict[str, str]:
    """One database with fixtures for several tests; those that change it keep apart by their addresses."""
    settings = {"database_url": databases.fresh(), "secret_key": SECRET, "bcrypt_cost": "4"}
    assert run("fixtures", **settings).returncode == 0
    return settings


class TestUsers:
    def test_are_shown_with_all_that_is_known_of_their_address(self, stocked: dict[str, str]) -> None:
        known = shown("ACTIVE@example.org", stocked)
        assert known["address"] == "active@example.org"
        assert known["status"] == "active"
        assert set(known) >= {"registered at", "activated at"}
        assert known["wrong codes"] == "0 in the last 24 hours, 0 in the last 365 days"
        assert known["locked"] == "no"
        assert known["mails"].startswith("1 to the mailbox")
        assert re.search(r"T[\d:]+Z +activation-code +accepted +mailpit$", known["mails"], re.MULTILINE)

    def test_are_shown_by_the_name_that_their_address_has_in_the_logs(self, stocked: dict[str, str]) -> None:
        listed = run("mails", "list", "--state", "failed", **stocked).stdout
        assert shown("bounced@example.org", stocked)["in the logs"] in listed

    def test_that_are_pending_are_shown_as_such_and_why_their_mail_failed(
        self, stocked: dict[str, str]
    ) -> None:
        known = shown("bounced@example.org", stocked)
        assert known["status"] == "pending"
        assert "activated at" not in known
        assert "recipient refused" in known["mails"]

    def test_that_nobody_knows_are_no_fault(self, stocked: dict[str, str]) -> None:
        known = shown("nobody@example.org", stocked)
        assert known["status"].startswith("unknown")
        assert known["mails"].startswith("0 to the mailbox")

    def test_are_erased_without_their_password_and_then_unknown(self, stocked: dict[str, str]) -> None:
        done = run("users", "erase", "--yes", "mailed@example.org", **stocked)
        assert (done.returncode, done.stdout) == (0, "1 users and registrations are erased.\n")
        known = shown("mailed@example.org", stocked)
        assert known["status"].startswith("unknown")
        assert known["mails"].startswith("1 to the mailbox")

    @pytest.mark.parametrize(
        "command, message",
        [
            (["erase", "--yes", "active@example.org"], "EraseAddress"),
            (["unlock", "ann@example.org"], "UnlockAddress"),
        ],
    )
    def test_whom_an_operator_erases_or_unlocks_are_in_the_log_by_digest_whatever_its_level(
        self, stocked: dict[str, str], command: list[str], message: str
    ) -> None:
        done = run("users", *command, **stocked, log_level="error")

        (line,) = map(json.loads, done.stderr.splitlines())
        assert (line["event"], line["message"], line["outcome"]) == ("message_handled", message, "ok")
        assert line["address"] == shown(command[-1], stocked)["in the logs"]
        assert command[-1] not in done.stderr

    @pytest.mark.parametrize("answer", ["n\n", ""])
    def test_are_not_erased_unless_that_is_confirmed(self, stocked: dict[str, str], answer: str) -> None:
        done = run("users", "erase", "expired@example.org", answer=answer, **stocked)
        assert done.returncode != 0
        assert shown("expired@example.org", stocked)["status"] == "pending"

    def test_are_erased_when_that_is_confirmed(self, stocked: dict[str, str]) -> None:
        assert run("users", "erase", "queued@example.org", answer="y\n", **stocked).returncode == 0
        assert shown("queued@example.org", stocked)["status"].startswith("unknown")


def shown(address: str, settings: dict[str, str]) -> dict[str, str]:
    """What `users show` says, by title."""
    done = run("users", "show", address, **settings)
    assert (done.returncode, done.stderr) == (0, "")
    titles: dict[str, str] = {}
    title = ""
    for line in done.stdout.splitlines():
        title = line[:15].strip() or title
        titles[title] = f"{titles[title]}\n{line[15:]}" if title in titles else line[15:]
    return titles


class TestPurge:
    def test_removes_what_is_older_than_the_retention_and_says_so_in_one_line(
        self, settings: dict[str, str]
    ) -> None:
        run("fixtures", **settings)
        let_pass(settings, days=8)

        for removed in ("4 registrations, 5 mails", "0 registrations, 0 mails"):
            done = run("purge", database_url=settings["database_url"])
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout == f"removed {removed}, 0 wrong codes, 0 funnel minutes\n"
        assert shown("active@example.org", settings)["status"] == "active"

    def test_leaves_what_is_younger(self, settings: dict[str, str]) -> None:
        run("fixtures", **settings)
        let_pass(settings, days=8)
        done = run("purge", **settings, retention_days="9")
        assert done.stdout == "removed 0 registrations, 0 mails, 0 wrong codes, 0 funnel minutes\n"

    def test_shows_on_a_terminal_how_far_it_is(self, settings: dict[str, str]) -> None:
        run("fixtures", **settings)
        let_pass(settings, days=8)
        read = run_on_a_terminal("purge", **settings)
        for title in ("registrations", "mails", "wrong codes", "funnel minutes"):
            assert re.search(rf"{title} +\[#+\] +100%", read)
        assert "removed 4 registrations, 5 mails, 0 wrong codes, 0 funnel minutes" in read

    @pytest.mark.parametrize("command, days", [("purge", "0"), ("purge", "3651"), ("serve", "0")])
    def test_of_a_retention_that_is_none_is_refused(self, command: str, days: str) -> None:
        done = run(
            command,
            database_url="mysql://user:password@127.0.0.1:1/none",
            secret_key=SECRET,
            mail_from="Example <a@example.org>",
            retention_days=days,
        )
        assert done.returncode != 0
        assert done.stderr.startswith("REGISTRATION_RETENTION_DAYS: ")
        assert len(done.stderr.splitlines()) == 1
