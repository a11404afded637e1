"""The inbox page, and the stream of events that keeps it up to date."""

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from registration.sandbox.figures import figure
from registration.sandbox.mailbox import Mailbox, ReceivedMail
from registration.sandbox.times import rfc3339

PAGE = Path(__file__).with_name("page")
SHOWN = 100
"""So many of the newest mails are on the page."""
PING_SECONDS = 15

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
"""A mail's HTML is somebody else's: no script runs, nothing is fetched, and it is of no origin."""


@dataclass(frozen=True, slots=True)
class Inbox:
    mailbox: Mailbox
    stopping: asyncio.Event
    ping_seconds: float = PING_SECONDS
    run: str = field(default_factory=lambda: secrets.token_hex(4), init=False)
    """Tells the events of this run of the sandbox from those of the one before."""

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/", self.page),
            web.static("/page", PAGE),
            web.get("/view/{id}.html", self.html),
            web.get("/sandbox/events", self.events),
        ]

    async def page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "inbox.html", headers={"Content-Security-Policy": PAGE_POLICY})

    async def html(self, request: web.Request) -> web.Response:
        mail = self.mailbox.get(request.match_info["id"])
        if mail is None:
            raise web.HTTPNotFound
        return web.Response(
            body=mail.submission.html.encode(errors="replace"),
            content_type="text/html",
            charset="utf-8",
            headers={"Content-Security-Policy": MAIL_POLICY},
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: `reset` (forget all that is shown), and `mail` for each, oldest first.

        A page that comes back names the last event that it has seen, and goes on from there.
        """
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await stream.prepare(request)
        with contextlib.suppress(ConnectionError):
            await self._follow(stream, request.headers.get("Last-Event-ID", ""))
        return stream

    async def _follow(self, stream: web.StreamResponse, last_seen: str) -> None:
        state, _, number = last_seen.rpartition(".")
        shown = figure(number, 0)
        while not self.stopping.is_set():
            if state != self._state:
                state, shown = self._state, 0
                await stream.write(b"event: reset\ndata:\n\n")
            for mail in self.mailbox.after(shown, SHOWN):
                shown = mail.number
                await stream.write(_event("mail", f"{state}.{shown}", _on_page(mail)))
            await self._change_or_ping(stream)

    @property
    def _state(self) -> str:
        return f"{self.run}.{self.mailbox.removals}"

    async def _change_or_ping(self, stream: web.StreamResponse) -> None:
        """Without an event now and then nobody would notice that the page is gone."""
        try:
            async with asyncio.timeout(self.ping_seconds):
                await self.mailbox.change()
        except TimeoutError:
            await stream.write(b":\n\n")


def _event(name: str, event_id: str, data: object) -> bytes:
    return f"event: {name}\nid: {event_id}\ndata: {json.dumps(data)}\n\n".encode()


def _on_page(mail: ReceivedMail) -> dict[str, object]:
    submission = mail.submission
    return {
        "id": mail.id,
        "to": [person.address for person in submission.to],
        "from": {"name": submission.sender.name, "address": submission.sender.address},
        "subject": submission.subject,
        "received_at": rfc3339(mail.received_at),
        "code": submission.code,
        "text": submission.text,
        "has_html": bool(submission.html),
    }
