"""Asking the service as a caller does, and writing down each request with its answer."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tools.chaos.record import AnsweredBy, Call, Operation

PATIENCE_SECONDS = 20.0

REQUESTS = {
    Operation.REGISTER: ("POST", "/v1/users"),
    Operation.ACTIVATE: ("POST", "/v1/users/activation"),
    Operation.NEW_CODE: ("POST", "/v1/users/activation-code"),
    Operation.LOOK: ("GET", "/v1/users/me"),
    Operation.ERASE: ("DELETE", "/v1/users/me"),
}

JUDGED = ("status", "activated_at", "attempts_left", "retry_after")

PROXY_HAS_NO_REPLICA = "No replica can be reached now."


@dataclass(frozen=True, slots=True)
class Person:
    """An address with a password; `role` and where they ask from."""

    role: str
    email: str
    password: str = field(repr=False)
    client: str


@dataclass
class Service:
    """The service, behind its proxy or at several replicas; remembers every call."""

    urls: Sequence[str]
    """Where there are several, any is asked, and another one if nobody listens there."""
    sessions: dict[str, aiohttp.ClientSession]
    """By the client's network address: that is what the proxy tells the service."""
    chance: random.Random
    calls: list[Call] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def clients(self) -> Sequence[str]:
        return list(self.sessions)

    async def ask(
        self,
        operation: Operation,
        person: Person,
        code: str | None = None,
        *,
        hang_up_after: float | None = None,
    ) -> Call:
        """Send one request; return it with its answer, or that there was none."""
        number = f"chaos-{next(self._numbers):06}"
        sent_at = time.time()
        by, status, answer = await self._exchange(operation, person, code, number, hang_up_after)
        call = Call(
            id=number,
            caller=person.role,
            operation=operation,
            email=person.email,
            password=person.password,
            client=person.client,
            sent_at=sent_at,
            answered_at=time.time(),
            by=by,
            status=status,
            problem=str(answer["type"]).rpartition("/")[2] if "type" in answer else None,
            code=code,
            document={name: answer[name] for name in JUDGED if name in answer},
            hung_up=by is AnsweredBy.NOBODY and hang_up_after is not None,
        )
        self.calls.append(call)
        return call

    async def _exchange(
        self, operation: Operation, person: Person, code: str | None, number: str, hang_up_after: float | None
    ) -> tuple[AnsweredBy, int | None, dict[str, Any]]:
        method, path = REQUESTS[operation]
        headers = {"X-Request-ID": number}
        body: dict[str, str] | None = None
        if operation is Operation.REGISTER:
            body = {"email": person.email, "password": person.password}
        else:
            headers["Authorization"] = aiohttp.encode_basic_auth(person.email, person.password)
            body = {"code": code} if code else None
        timeout = aiohttp.ClientTimeout(total=hang_up_after or PATIENCE_SECONDS)
        for url in self.chance.sample(self.urls, len(self.urls)):
            try:
                async with self.sessions[person.client].request(
                    method, url + path, json=body, headers=headers, timeout=timeout
                ) as response:
                    text = await response.text()
                    is_json = "json" in response.content_type
                    answer = await response.json(content_type=None) if is_json and text else {}
                    return _by(response, number, answer), response.status, answer
            except aiohttp.ClientConnectorError:
                continue
            except (aiohttp.ClientError, TimeoutError, OSError):
                break
        return AnsweredBy.NOBODY, None, {}


def _by(response: aiohttp.ClientResponse, number: str, answer: dict[str, Any]) -> AnsweredBy:
    """Which of the two has answered; each of the service's answers bears the request's id."""
    is_proxys = response.headers.get("X-Request-ID") != number or answer.get("detail") == PROXY_HAS_NO_REPLICA
    return AnsweredBy.PROXY if is_proxys else AnsweredBy.SERVICE


@asynccontextmanager
async def open_service(
    urls: Sequence[str], clients: Sequence[str], chance: random.Random
) -> AsyncIterator[Service]:
    """`clients`: addresses of loopback to ask from."""
    sessions = {
        client: aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(local_addr=(client, 0), limit=0, force_close=True)
        )
        for client in clients
    }
    try:
        yield Service(urls, sessions, chance)
    finally:
        await asyncio.gather(*(session.close() for session in sessions.values()))
