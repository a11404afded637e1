"""The stream of events that keeps the page up to date."""

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass, field

from aiohttp import web

from registration.sandbox.changes import Changes
from registration.sandbox.faults import Dice
from registration.sandbox.figures import figure
from registration.sandbox.mailbox import Mailbox, ReceivedMail
from registration.sandbox.times import now, rfc3339

SHOWN = 100
"""So many of the newest mails are on the page."""
PING_SECONDS = 15
RETRY_MILLISECONDS = 1000
"""So soon a page tries again that has lost the sandbox."""


@dataclass(frozen=True, slots=True)
class Events:
    """Server-sent events, for as many pages as follow."""

    mailbox: Mailbox
    dice: Dice
    changes: Changes
    stopping: asyncio.Event
    code_ttl_seconds: int
    ping_seconds: float = PING_SECONDS
    run: str = field(default_factory=lambda: secrets.token_hex(4), init=False)
    """Tells the events of this run of the sandbox from those of the one before."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/sandbox/events", self.follow)]

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Tell what there is, and then what changes.

        - `reset`: forget all mails that are shown;
        - `faults`: those that hold, and how many mails have met each;
        - `mail`: one more, oldest first.

        A page that comes back names the last mail that it has seen, and goes on from there.
        """
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await stream.prepare(request)
        with contextlib.suppress(ConnectionError):
            await self._tell(stream, request.headers.get("Last-Event-ID", ""))
        return stream

    async def _tell(self, stream: web.StreamResponse, last_seen: str) -> None:
        state, _, number = last_seen.rpartition(".")
        shown, faults = figure(number, 0), b""
        await stream.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
        while not self.stopping.is_set():
            change = self.changes.next()
            is_new = state == self._state  # and not only new to a page that was just opened
            if not is_new:
                state, shown = self._state, 0
                await stream.write(_event("reset", {"code_ttl_seconds": self.code_ttl_seconds}))
            if faults != (latest := self._faults()):
                faults = latest
                await stream.write(faults)
            for mail in self.mailbox.after(shown, SHOWN):
                shown = mail.number
                await stream.write(_event("mail", {**_on_page(mail), "new": is_new}, f"{state}.{shown}"))
            await self._wait_or_ping(change, stream)

    @property
    def _state(self) -> str:
        return f"{self.run}.{self.mailbox.removals}"

    def _faults(self) -> bytes:
        return _event("faults", {"faults": self.dice.faults.as_json(), "met": self.dice.met})

    async def _wait_or_ping(self, change: asyncio.Event, stream: web.StreamResponse) -> None:
        """Without an event now and then nobody would notice that the page is gone."""
        try:
            async with asyncio.timeout(self.ping_seconds):
                await change.wait()
        except TimeoutError:
            await stream.write(b":\n\n")


def _event(name: str, data: object, event_id: str | None = None) -> bytes:
    identified = f"id: {event_id}\n" if event_id else ""
    return f"event: {name}\n{identified}data: {json.dumps(data)}\n\n".encode()


def _on_page(mail: ReceivedMail) -> dict[str, object]:
    submission = mail.submission
    return {
        "id": mail.id,
        "mail_id": submission.header("X-Mail-ID"),
        "to": [person.address for person in submission.to],
        "from": {"name": submission.sender.name, "address": submission.sender.address},
        "subject": submission.subject,
        "received_at": rfc3339(mail.received_at),
        # The page's clock may be another than ours, so it is told how long ago that was.
        "age_seconds": (now() - mail.received_at).total_seconds(),
        "answered": mail.answered,
        "code": submission.code,
        "text": submission.text,
        "has_html": bool(submission.html),
    }
