"""The sandbox that the pages are opened from, in the tests' own process: can be stopped, and started again."""

from typing import Any

import aiohttp
from aiohttp import web

from registration.sandbox.app import ServedFor, create_sandbox
from tests.integration.sandbox.examples import mail
from tools.addresses import LOOPBACK, free_port


class Sandbox:
    def __init__(self, served_for: ServedFor, port: int | None = None) -> None:
        self._served_for = served_for
        self._port = port or free_port()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    async def start(self) -> None:
        app = create_sandbox(lambda _: None, self._served_for)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self._port).start()

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def hand_in(self, code: str = "0042", mail_id: str | None = None, **changes: Any) -> int | None:
        """Hand in a mail; return the status of the answer, None if none came."""
        text = changes.pop("Text", f"Hello,\n\n{code}\n\nBye.\n")
        document = mail(Text=text, Headers={"X-Mail-ID": mail_id} if mail_id else {}, **changes)
        try:
            return (await self._request("POST", "/api/v1/send", document))[0]
        except aiohttp.ClientConnectionError:
            return None

    async def misbehave(self, **faults: float) -> None:
        assert (await self._request("PUT", "/sandbox/faults", faults))[0] == 200

    async def faults(self) -> dict[str, Any]:
        """Those that hold, without those that are off."""
        _, faults = await self._request("GET", "/sandbox/faults")
        return {name: value for name, value in faults.items() if value}

    async def _request(self, method: str, path: str, document: object = None) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, json=document) as answer,
        ):
            return answer.status, await answer.json()
