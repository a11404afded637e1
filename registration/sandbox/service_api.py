"""The service, for the page, which a browser lets ask its own host only."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web

from registration.sandbox.json_body import NotJson, read_json
from registration.sandbox.page_origin import comes_from_page
from registration.sandbox.service_call import InvalidCall, ServiceCall, parse_service_call

LARGEST_ANSWER_BYTES = 64 * 1024
PATIENCE_SECONDS = 20.0
PROBE_SECONDS = 3.0
STATES = ("ok", "degraded", "unavailable")


class ServiceApi:
    """Sends the page's calls on. That the service does not answer is an answer too: a `problem` in a sentence."""

    def __init__(self, url: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._url = url
        self._patience = aiohttp.ClientTimeout(total=patience_seconds)
        self._session: aiohttp.ClientSession

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/sandbox/service", self.show), web.post("/sandbox/service", self.call)]

    async def lifespan(self, _: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as self._session:
            yield

    async def show(self, _: web.Request) -> web.Response:
        """Where the service is, and how it is by its own word: null where it does not answer."""
        return web.json_response({"url": self._url, "status": await self._status()})

    async def call(self, request: web.Request) -> web.Response:
        """Send the request that the body describes, and answer with the service's answer, described likewise."""
        if not comes_from_page(request):
            return _error(403, "this is for the sandbox's own page, opened as 127.0.0.1 or localhost")
        try:
            call = parse_service_call(await read_json(request))
        except (NotJson, InvalidCall) as error:
            return _error(400, str(error))
        return web.json_response(await self._answer(call))

    async def _answer(self, call: ServiceCall) -> dict[str, Any]:
        try:
            return await self._forward(call)
        except aiohttp.ClientConnectorError:
            return {"problem": f"Nothing answers at {self._url}."}
        except TimeoutError:
            return {"problem": f"{self._url} did not answer in time."}
        except aiohttp.ClientError:
            return {"problem": f"What came from {self._url} was no answer."}

    async def _forward(self, call: ServiceCall) -> dict[str, Any]:
        started = time.perf_counter()
        body = None if call.body is None else call.body.encode(errors="replace")
        async with self._session.request(
            call.method,
            self._url + call.path,
            headers=call.headers,
            data=body,
            skip_auto_headers=["Content-Type", "User-Agent"],
            allow_redirects=False,
            timeout=self._patience,
        ) as answer:
            return {
                "status": answer.status,
                "reason": answer.reason,
                "headers": list(answer.headers.items()),
                "body": await _read(answer),
                "milliseconds": round((time.perf_counter() - started) * 1000),
            }

    async def _status(self) -> str | None:
        try:
            async with (
                asyncio.timeout(PROBE_SECONDS),
                self._session.get(f"{self._url}/health/ready", allow_redirects=False) as answer,
            ):
                status = (await answer.json())["status"]
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError, TypeError):
            return None
        return status if status in STATES else None


async def _read(answer: aiohttp.ClientResponse) -> str:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            break
    return body[:LARGEST_ANSWER_BYTES].decode(errors="replace")


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"Error": message}, status=status)
