"""What a page that follows the sandbox is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientResponse, web

from registration.sandbox.changes import Changes
from registration.sandbox.events import Events
from registration.sandbox.faults import Dice
from registration.sandbox.handed_in import HandedIn
from registration.sandbox.mailbox import Mailbox
from registration.sandbox.submission import parse_submission
from registration.sandbox.times import now
from tests.integration.sandbox.conftest import Client, opened, send
from tests.integration.sandbox.examples import MAIL


class Follower:
    """A page, or whatever else reads the stream."""

    def __init__(self, answer: ClientResponse) -> None:
        self._answer = answer
        self.last_id = ""

    async def next(self) -> tuple[str, Any]:
        async with asyncio.timeout(5):
            fields = [line async for line in self._lines()]
            if fields[0].startswith("retry: "):
                fields = [line async for line in self._lines()]
        event = dict(line.partition(": ")[::2] for line in fields)
        self.last_id = event.get("id", self.last_id)
        return event["event"], json.loads(event["data"])

    async def names(self, count: int) -> list[str]:
        return [(await self.next())[0] for _ in range(count)]

    async def subjects(self, count: int) -> list[str]:
        return [(await self.next())[1]["subject"] for _ in range(count)]

    async def comment(self) -> str:
        async with asyncio.timeout(5):
            return (await self._answer.content.readline()).decode().rstrip("\n")

    async def _lines(self) -> AsyncIterator[str]:
        while line := (await self._answer.content.readline()).decode().rstrip("\n"):
            yield line


async def follow(sandbox: Client, last_id: str = "") -> Follower:
    answer = await sandbox.get("/sandbox/events", headers={"Last-Event-ID": last_id})
    assert answer.content_type == "text/event-stream"
    return Follower(answer)


async def follow_from_the_start(sandbox: Client, last_id: str = "") -> Follower:
    """Follow, and read on to where the mails begin."""
    follower = await follow(sandbox, last_id)
    assert await follower.names(2) == ["reset", "faults"]
    return follower


async def test_a_page_gets_what_there_is_and_then_what_comes(sandbox: Client) -> None:
    await send(sandbox, Subject="before")
    page = await follow_from_the_start(sandbox)

    _, before = await page.next()
    await send(sandbox, Subject="after")
    _, after = await page.next()

    assert [(mail["subject"], mail["new"]) for mail in (before, after)] == [
        ("before", False),
        ("after", True),
    ]


async def test_the_start_says_how_long_codes_work_and_which_faults_hold(sandbox: Client) -> None:
    await sandbox.put("/sandbox/faults", json={"hang": 0.5})
    page = await follow(sandbox)

    assert await page.next() == ("reset", {"code_ttl_seconds": 60})
    name, told = await page.next()
    assert (name, told["faults"]["hang"], told["met"]) == ("faults", 0.5, {})


async def test_a_mail_has_what_the_page_shows(sandbox: Client) -> None:
    mail_id = await send(sandbox)
    page = await follow_from_the_start(sandbox)

    name, shown = await page.next()

    assert name == "mail"
    assert shown.pop("received_at").endswith("Z")
    assert 0 <= shown.pop("age_seconds") < 5
    assert shown == {
        "id": mail_id,
        "mail_id": "mail-1",
        "to": ["zoe@example.org"],
        "from": {"name": "Example App", "address": "login@example.com"},
        "subject": "Your code",
        "answered": True,
        "code": "0042",
        "text": MAIL["Text"],
        "has_html": True,
        "new": False,
    }


async def test_a_mail_whose_sender_could_not_learn_that_it_was_accepted_says_so(sandbox: Client) -> None:
    page = await follow_from_the_start(sandbox)
    await sandbox.put("/sandbox/faults", json={"cut_after": 1})
    with pytest.raises(ClientConnectionError):
        await send(sandbox)
    assert await page.names(2) == ["faults", "faults"]
    assert (await page.next())[1]["answered"] is False

    await sandbox.put("/sandbox/faults", json={"slow": 1, "slow_seconds": 0.2})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await send(sandbox, Subject="given up")
    assert await page.names(2) == ["faults", "faults"]
    assert (await page.next())[1]["answered"] is False


async def test_a_change_of_the_faults_is_told_and_so_is_each_mail_that_meets_one(sandbox: Client) -> None:
    page = await follow_from_the_start(sandbox)

    await sandbox.put("/sandbox/faults", json={"error": 1})
    assert (await page.next())[1]["faults"]["error"] == 1
    await sandbox.post("/api/v1/send", json=MAIL)
    assert (await page.next())[1]["met"] == {"error": 1}
    await sandbox.put("/sandbox/faults", json={})
    name, told = await page.next()
    assert (name, told["faults"]["error"], told["met"]) == ("faults", 0, {})


async def test_a_page_that_comes_back_gets_only_what_it_missed(sandbox: Client) -> None:
    await send(sandbox, Subject="seen")
    page = await follow_from_the_start(sandbox)
    await page.next()
    await send(sandbox, Subject="missed")

    again = await follow(sandbox, page.last_id)

    assert await again.names(1) == ["faults"]
    _, mail = await again.next()
    assert (mail["subject"], mail["new"]) == ("missed", True)


@pytest.mark.parametrize("last_id", ["another.0.1", "1", "nonsense", ".", "x.0." + "9" * 5000])
async def test_a_page_of_another_run_starts_from_the_beginning(sandbox: Client, last_id: str) -> None:
    await send(sandbox, Subject="first")

    page = await follow_from_the_start(sandbox, last_id)

    assert await page.subjects(1) == ["first"]


async def test_deleted_mails_leave_the_page(sandbox: Client) -> None:
    first = await send(sandbox, Subject="first")
    await send(sandbox, Subject="second")
    page = await follow_from_the_start(sandbox)
    assert await page.names(2) == ["mail", "mail"]

    await sandbox.delete("/api/v1/messages", json={"IDs": [first]})

    assert await page.names(1) == ["reset"]
    assert await page.subjects(1) == ["second"]


async def test_a_line_break_in_a_mail_cannot_forge_an_event(sandbox: Client) -> None:
    await send(sandbox, Subject="a\n\nevent: mail\ndata: {}\n\n")
    page = await follow_from_the_start(sandbox)

    assert await page.subjects(1) == ["a\n\nevent: mail\ndata: {}\n\n"]


async def test_a_quiet_inbox_writes_now_and_then_to_notice_that_the_page_is_gone() -> None:
    changes, stopping = Changes(), asyncio.Event()
    events = Events(Mailbox(changes), Dice(changes), changes, stopping, 60, ping_seconds=0.01)
    app = web.Application()
    app.add_routes(events.routes())
    async with opened(app) as client:
        page = await follow_from_the_start(client)
        assert await page.comment() == ":"
        stopping.set()


async def test_a_mail_that_comes_while_another_is_written_is_told_at_once() -> None:
    changes = Changes()
    mailbox = Mailbox(changes)

    def receive() -> None:
        mailbox.add(parse_submission(MAIL), now(), HandedIn("POST", "/", (), MAIL), answered=True)

    class Page(web.StreamResponse):
        mails = 0

        async def write(self, data: bytes | bytearray | memoryview) -> None:
            if b"event: mail" in bytes(data):
                self.mails += 1
                if self.mails == 1:
                    receive()
                else:
                    stopping.set()
                    changes.announce()

    stopping, page = asyncio.Event(), Page()
    receive()
    async with asyncio.timeout(5):
        await Events(mailbox, Dice(changes), changes, stopping, 60)._tell(page, "")

    assert page.mails == 2
