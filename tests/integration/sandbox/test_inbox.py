import asyncio
import json
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from registration.sandbox.inbox import Inbox
from registration.sandbox.mailbox import Mailbox
from tests.integration.sandbox.conftest import Client
from tests.integration.sandbox.examples import MAIL, mail


class Events:
    """What a page that follows the inbox gets."""

    def __init__(self, answer: ClientResponse) -> None:
        self._answer = answer
        self.last_id = ""

    async def next(self) -> tuple[str, Any]:
        async with asyncio.timeout(5):
            fields = [line async for line in self._lines()]
        event = dict(line.partition(": ")[::2] for line in fields)
        self.last_id = event.get("id", self.last_id)
        return event["event"], json.loads(event["data"]) if event.get("data") else None

    async def comment(self) -> str:
        async with asyncio.timeout(5):
            return (await self._answer.content.readline()).decode().rstrip("\n")

    async def _lines(self) -> AsyncIterator[str]:
        while line := (await self._answer.content.readline()).decode().rstrip("\n"):
            yield line


async def follow(sandbox: Client, last_id: str = "") -> Events:
    answer = await sandbox.get("/sandbox/events", headers={"Last-Event-ID": last_id})
    assert answer.content_type == "text/event-stream"
    return Events(answer)


async def subjects(events: Events, count: int) -> list[str]:
    return [(await events.next())[1]["subject"] for _ in range(count)]


async def send(sandbox: Client, **changes: Any) -> str:
    async with sandbox.post("/api/v1/send", json=mail(**changes)) as answer:
        mail_id: str = (await answer.json())["ID"]
        return mail_id


async def test_a_page_gets_what_there_is_and_then_what_comes(sandbox: Client) -> None:
    await send(sandbox, Subject="before")
    events = await follow(sandbox)

    assert await events.next() == ("reset", None)
    assert await subjects(events, 1) == ["before"]
    await send(sandbox, Subject="after")
    assert await subjects(events, 1) == ["after"]


async def test_an_event_has_what_the_page_shows(sandbox: Client) -> None:
    mail_id = await send(sandbox)
    events = await follow(sandbox)
    await events.next()

    name, shown = await events.next()

    assert name == "mail"
    assert shown.pop("received_at").endswith("Z")
    assert shown == {
        "id": mail_id,
        "to": ["zoe@example.org"],
        "from": {"name": "Example App", "address": "login@example.com"},
        "subject": "Your code",
        "code": "0042",
        "text": MAIL["Text"],
        "has_html": True,
    }


async def test_a_page_that_comes_back_gets_only_what_it_missed(sandbox: Client) -> None:
    await send(sandbox, Subject="seen")
    events = await follow(sandbox)
    await events.next()
    await events.next()
    await send(sandbox, Subject="missed")

    again = await follow(sandbox, events.last_id)

    assert await subjects(again, 1) == ["missed"]


@pytest.mark.parametrize("last_id", ["another.0.1", "1", "nonsense", ".", "x.0." + "9" * 5000])
async def test_a_page_of_another_run_starts_from_the_beginning(sandbox: Client, last_id: str) -> None:
    await send(sandbox, Subject="first")

    events = await follow(sandbox, last_id)

    assert await events.next() == ("reset", None)
    assert await subjects(events, 1) == ["first"]


async def test_deleted_mails_leave_the_page(sandbox: Client) -> None:
    first = await send(sandbox, Subject="first")
    await send(sandbox, Subject="second")
    events = await follow(sandbox)
    assert [(await events.next())[0] for _ in range(3)] == ["reset", "mail", "mail"]

    await sandbox.delete("/api/v1/messages", json={"IDs": [first]})

    assert await events.next() == ("reset", None)
    assert await subjects(events, 1) == ["second"]


async def test_a_line_break_in_a_mail_cannot_forge_an_event(sandbox: Client) -> None:
    await send(sandbox, Subject="a\n\nevent: mail\ndata: {}\n\n")
    events = await follow(sandbox)
    await events.next()

    assert await subjects(events, 1) == ["a\n\nevent: mail\ndata: {}\n\n"]


async def test_a_quiet_inbox_writes_now_and_then_to_notice_that_the_page_is_gone() -> None:
    stopping = asyncio.Event()
    app = web.Application()
    app.add_routes(Inbox(Mailbox(), stopping, ping_seconds=0.01).routes())
    async with TestClient(TestServer(app)) as client:
        events = await follow(client)
        await events.next()
        assert await events.comment() == ":"
        stopping.set()


class _References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.urls += [value or "" for name, value in attrs if name in {"src", "href"}]


async def test_the_page_needs_no_other_host(sandbox: Client) -> None:
    async with sandbox.get("/") as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    references = _References()
    references.feed(page)

    assert references.urls
    for url in references.urls:
        if url != "data:,":
            assert (await sandbox.get(f"/{url}")).status == 200
    assert "default-src 'none'" in policy
    assert "'unsafe" not in policy
    assert "http" not in policy


async def test_the_script_puts_nothing_of_a_mail_into_the_page_as_html(sandbox: Client) -> None:
    async with sandbox.get("/page/inbox.js") as answer:
        script = await answer.text()

    assert "textContent" in script
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "srcdoc", "eval"):
        assert way not in script
    assert 'frame.sandbox = ""' in script


async def test_a_mails_html_can_neither_run_nor_fetch_anything(sandbox: Client) -> None:
    evil = '<script>alert(1)</script><img src="http://elsewhere.example/x.gif">ü\ud800'
    mail_id = await send(sandbox, HTML=evil)

    async with sandbox.get(f"/view/{mail_id}.html") as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert await answer.text() == evil.replace("\ud800", "?")

    assert policy[:2] == ["sandbox", "default-src 'none'"]
    assert (await sandbox.get("/view/unknown.html")).status == 404
