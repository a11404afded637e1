"""What an operator finds in the log by one search: all of a request, and all that happened with an address."""

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.client import Person, somebody
from tests.end_to_end.secrets_search import found
from tests.end_to_end.service import LENIENT, Service, run
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.tables import rows
from tests.end_to_end.waiting import until
from tests.private_database import Databases

MORE_THAN_A_PIPE_TAKES = 600
"""Lines, of 64 KiB in all, or of a few pages where a user has many pipes."""

STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Told:
    service: Service
    ann: Person
    bob: Person

    @property
    def lines(self) -> list[dict[str, Any]]:
        return self.service.log()

    def found(self, words: str) -> list[dict[str, Any]]:
        """What a search for the words finds."""
        texts = self.service.log_file.read_text().splitlines()
        return [line for text, line in zip(texts, self.lines, strict=True) if words in text]

    def events(self, words: str) -> list[str]:
        return sorted(line.get("message", line["event"]) for line in self.found(words))


@pytest.fixture(scope="module", params=["info", "debug"])
async def told(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Told]:
    """A service in whose log Ann has registered, at the second attempt to mail her, and activated; Bob met a fault."""
    async with open_stage(databases.fresh(), tmp_path_factory.mktemp("stage")) as stage:
        service = await stage.serve(**LENIENT, log_level=request.param)
        told = Told(service, somebody(), somebody())
        await ann_registers_and_activates(stage, told)
        await bob_meets_a_fault(stage, told)
        yield told


async def ann_registers_and_activates(stage: Stage, told: Told) -> None:
    client, ann = told.service.client, told.ann
    await stage.sandbox.misbehave(error=1)
    document = {"email": ann.email.upper(), "password": ann.password}
    await client.request("POST", "/v1/users", json=document, headers={"X-Request-ID": "registering"})

    async def is_attempted() -> bool:
        return "mail_attempted" in told.events("registering")

    await until(is_attempted, "the mail is attempted")
    await stage.sandbox.misbehave()
    code = (await stage.sandbox.newest(ann.email)).code
    headers = {"X-Request-ID": "activating"}
    response = await client.request("POST", "/v1/users/activation", ann, json={"code": code}, headers=headers)
    assert response.status_code == 200


async def bob_meets_a_fault(stage: Stage, told: Told) -> None:
    """Of a statement that the database refuses, naming the values."""
    client, bob = told.service.client, told.bob
    await client.register(bob)
    rows(stage.database_url, "DELETE FROM mails WHERE email <> %s", bob.email)
    rows(stage.database_url, "ALTER TABLE mails ADD UNIQUE KEY (email)")
    response = await client.request(
        "POST", "/v1/users/activation-code", bob, headers={"X-Request-ID": "failing"}
    )
    assert response.status_code == 500


def at_info(told: Told) -> bool:
    return told.service.settings["log_level"] == "info"


async def test_a_search_for_a_requests_id_finds_request_command_and_every_attempt_to_mail(told: Told) -> None:
    events = [event for event in told.events("registering") if not event.startswith("database_")]
    attempts = events.count("mail_attempted")
    assert attempts >= 2
    assert events == ["RegisterUser", *["mail_attempted"] * attempts, "request"]
    assert {line["request_id"] for line in told.found("registering")} == {"registering"}


async def test_a_search_for_an_addresss_digest_finds_registration_mails_and_activation(told: Told) -> None:
    shown = await run(f"users show {told.ann.email}", told.service.settings)
    (digest,) = (line.split()[-1] for line in shown.stdout.splitlines() if line.startswith("in the logs"))

    lines = [line for line in told.found(digest) if line["event"] in {"message_handled", "mail_attempted"}]

    ids = {(line["event"], line.get("message"), line["request_id"]) for line in lines}
    assert ids == {
        ("message_handled", "RegisterUser", "registering"),
        ("mail_attempted", None, "registering"),
        ("message_handled", "ActivateUser", "activating"),
    }
    assert {line["address"] for line in lines} == {digest}


async def test_the_list_of_mails_shows_the_same_digest(told: Told) -> None:
    (digest,) = {line["address"] for line in told.found("failing") if line["event"] == "message_handled"}
    listed = await run("mails list --state accepted", told.service.settings)
    assert digest in listed.stdout


async def test_one_client_has_one_digest_which_is_none_of_an_address(told: Told) -> None:
    handled = [line for line in told.lines if line["event"] == "message_handled"]
    assert len({line["client"] for line in handled}) == 1
    assert {line["client"] for line in handled}.isdisjoint(line["address"] for line in handled)
    assert found(["127.0.0.1"], [str(handled).encode()]) == set()


async def test_an_address_is_in_the_clear_at_debug_level_only_and_in_no_traceback(told: Told) -> None:
    (failure,) = (line for line in told.found("failing") if line["event"] == "request_failed")
    assert "IntegrityError" in failure["exception"]
    assert "mails.add(" in failure["exception"]
    assert found([told.bob.email], [failure["exception"].encode()]) == set()

    people = {told.ann.email, told.bob.email}
    in_the_clear = found(people, [told.service.log_file.read_bytes()])
    assert in_the_clear == (set() if at_info(told) else people)
    if not at_info(told):
        emails = {line["email"] for line in told.lines if line["event"] == "message_handled"}
        assert emails == people


async def test_every_line_is_of_one_form_the_servers_own_too(told: Told) -> None:
    assert all({"event", "level", "logger", "timestamp"} <= set(line) for line in told.lines)
    assert "uvicorn.error" in {line["logger"] for line in told.lines}


async def test_a_log_that_nobody_reads_holds_nobody_up_and_what_it_lacks_is_said(own_stage: Stage) -> None:
    with unread(own_stage.folder / "service-0.log") as log:
        service = await own_stage.serve(**LENIENT)
        for _ in range(MORE_THAN_A_PIPE_TAKES):
            assert (await service.client.liveness()).status_code == 200
        log.read()
        await service.client.liveness()
        service.ask_to_stop()
        assert await service.exit_status(STOP_SECONDS) == 0

    lines = service.log()
    (lost,) = (line["lines"] for line in lines if line["event"] == "log_lines_lost")
    requests = sum(line["event"] == "request" for line in lines)
    assert requests + lost > MORE_THAN_A_PIPE_TAKES
    assert lost > 0


class Unread:
    """A pipe that a log goes into."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.received = b""

    def read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._descriptor, 1024 * 1024):
                self.received += piece

    def close(self) -> None:
        os.close(self._descriptor)


@contextlib.contextmanager
def unread(path: Path) -> Iterator[Unread]:
    """A log file that is none until the end of the block: it takes no more lines than are read from it."""
    with contextlib.closing(Unread(path)) as log:
        try:
            yield log
        finally:
            log.read()
            path.unlink()
            path.write_bytes(log.received)
