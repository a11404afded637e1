"""The mail provider: takes what Mailpit takes, fails as it is told, and writes down what it was handed."""

import asyncio
import json
import re
import time
from collections import defaultdict
from enum import StrEnum

from aiohttp import web

from tools.addresses import LOOPBACK, free_port
from tools.chaos.record import HandedIn

_CODE = re.compile(r"^\d{4}$", re.MULTILINE)


class Mood(StrEnum):
    WELL = "well"
    REFUSES = "refuses"
    """No connection."""
    HANGS = "hangs"
    """No answer, and the mail is not accepted."""
    FAILS = "answers 500"
    LOSES_ANSWERS = "loses answers"
    """The mail is accepted, and the connection cut."""


class Provider:
    def __init__(self) -> None:
        self.port = free_port()
        self.handed_in: list[HandedIn] = []
        self._mood = Mood.WELL
        self._changed = asyncio.Event()
        self._mails_to = defaultdict[str, dict[str, str | None]](dict)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def mails_to(self, email: str) -> list[str | None]:
        """The code of each mail that was accepted for the address, None for a notice; the oldest first."""
        return list(self._mails_to[email].values())

    async def be(self, mood: Mood) -> None:
        self._mood = mood
        self._changed.set()
        self._changed = asyncio.Event()
        if mood is Mood.REFUSES:
            await self.close()
        elif self._runner is None:
            await self.open()

    async def open(self) -> None:
        app = web.Application()
        app.add_routes([web.post("/api/v1/send", self._send)])
        # a service that dies or waits no longer ends what it asked for
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self.port, backlog=1000).start()

    async def close(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _send(self, request: web.Request) -> web.Response:
        began_at, mood = time.time(), self._mood
        mail = json.loads(await request.read())
        code = _CODE.search(mail["Text"].replace("\r\n", "\n"))
        accepted = mood in {Mood.WELL, Mood.LOSES_ANSWERS}
        transport = request.transport
        told = mood is Mood.WELL and transport is not None and not transport.is_closing()
        mail_id, email = mail["Headers"]["X-Mail-ID"], mail["To"][0]["Email"]
        try:
            if mood is Mood.HANGS:
                await self._changed.wait()
        finally:
            self.handed_in.append(
                HandedIn(mail_id, email, code and code[0], began_at, time.time(), accepted, told)
            )
        if accepted:
            self._mails_to[email][mail_id] = code and code[0]
        if mood is Mood.FAILS:
            return web.json_response({"Error": "internal server error"}, status=500)
        if not told and transport:
            transport.abort()
        return web.json_response({"ID": mail_id})
