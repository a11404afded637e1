"""The load generator, a process of its own.

It does so much and no more, and then prints what it saw as JSON: `python -m bench.load journeys` or `registrations`.
"""

import asyncio
import contextlib
import ipaddress
import itertools
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp
import click
import uvloop

from bench.dialects import DIALECTS, OURS, Dialect
from bench.feed import Arrival, Feed
from tools.addresses import LOOPBACK

MAIL_PATIENCE_SECONDS = 30
REQUEST_PATIENCE_SECONDS = 30
MAX_REPETITIONS = 10
APART_SECONDS = 0.01
"""Between the first requests of two callers: of many that come at once one worker would accept all, and keep them."""

MAX_SECONDS = 600
"""Whatever is asked for, a load ends."""

COME_BACK = frozenset({429, 503})


@dataclass(slots=True)
class Seen:
    """What the load generator saw. Milliseconds of requests that succeeded, from sending to the whole answer."""

    began_at: float = 0.0
    """`time.monotonic()`, as all times here."""
    ended_at: float = 0.0
    journeys_ended_at: list[float] = field(default_factory=list)
    register_ms: list[float] = field(default_factory=list)
    mail_ms: list[float] = field(default_factory=list)
    """From our receiving the 202 to the provider's receiving the request; below 0 where the mail was faster."""
    activate_ms: list[float] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    """By request and status, those that were repeated included."""
    own_processor_seconds: float = 0.0

    def failed(self, what: str) -> None:
        self.failures[what] = self.failures.get(what, 0) + 1


class Abandoned(Exception):
    """A journey came to no end; it has been counted as a failure."""


class Traveller:
    """Makes registrations, each of a new address, and counts what comes of them."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        feed: Feed,
        seen: Seen,
        dialect: Dialect,
        *,
        each_a_client: bool = False,
    ) -> None:
        """`each_a_client`: every journey comes from another network address, as a proxy tells it."""
        self._session = session
        self._dialect = dialect
        self._feed = feed
        self._seen = seen
        self._each_a_client = each_a_client
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def journey(self) -> None:
        """Register, wait for the code, activate."""
        with contextlib.suppress(Abandoned):
            email, password = self._somebody()
            client = self._client()
            arrival = await self._register(email, password, client)
            activation = self._dialect.activation(email, password, arrival.code)
            await self._request(
                "activate",
                self._seen.activate_ms,
                self._dialect.activated,
                self._dialect.activate_path,
                json=activation.document,
                headers={**activation.headers, **client},
            )
            self._seen.journeys_ended_at.append(time.monotonic())

    async def registration(self) -> None:
        """Register, and wait for the mail."""
        with contextlib.suppress(Abandoned):
            await self._register(*self._somebody(), self._client())

    def _somebody(self) -> tuple[str, str]:
        """The addresses are not in the order in which they come, as people's are not: tables are sorted by address."""
        number = next(self._numbers)
        return f"{secrets.token_hex(4)}.{self._run}.{number}@example.org", f"the password of number {number}"

    def _client(self) -> dict[str, str]:
        if not self._each_a_client:
            return {}
        return {"X-Forwarded-For": str(ipaddress.IPv4Address(secrets.randbits(32)))}

    async def _register(self, email: str, password: str, client: dict[str, str]) -> Arrival:
        expected = self._feed.expect(email)
        document = {"email": email, "password": password}
        try:
            await self._request(
                "register",
                self._seen.register_ms,
                self._dialect.registered,
                self._dialect.register_path,
                json=document,
                headers=client,
            )
            registered_at = time.monotonic()
            arrival = await asyncio.wait_for(expected, MAIL_PATIENCE_SECONDS)
        except TimeoutError:
            self._seen.failed("no mail")
            raise Abandoned from None
        finally:
            self._feed.forget(email)
        self._seen.mail_ms.append((arrival.at - registered_at) * 1000)
        return arrival

    async def _request(
        self, name: str, milliseconds: list[float], wanted: int, path: str, **request: Any
    ) -> None:
        """Repeat a request that was put off, as a polite caller does; only the time of the last one counts."""
        for _ in range(MAX_REPETITIONS):
            began_at = time.monotonic()
            status, retry_after = await self._post(path, **request)
            if status == wanted:
                milliseconds.append((time.monotonic() - began_at) * 1000)
                return
            self._seen.failed(f"{name} {status}")
            if status not in COME_BACK:
                break
            await asyncio.sleep(retry_after)
        raise Abandoned

    async def _post(self, path: str, **request: Any) -> tuple[str | int, float]:
        try:
            async with self._session.post(path, **request) as response:
                await response.read()
                return response.status, float(response.headers.get("Retry-After", "0"))
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__, 0


async def in_closed_loop(traveller: Traveller, callers: int, seconds: float) -> None:
    """Each caller begins the next journey when the last has ended; those begun in time are ended."""
    deadline = time.monotonic() + seconds

    async def call(number: int) -> None:
        await asyncio.sleep(number * APART_SECONDS)
        while time.monotonic() < deadline:
            await traveller.journey()

    await asyncio.gather(*map(call, range(callers)))


async def at_a_rate(traveller: Traveller, per_second: float, seconds: float) -> None:
    """Registrations at even distances, however long each takes."""
    began_at = time.monotonic()
    async with asyncio.TaskGroup() as registrations:
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(began_at + number / per_second - time.monotonic(), 0))
            registrations.create_task(traveller.registration())


async def observe(
    port: int,
    feed_port: int,
    load: Callable[[Traveller], Awaitable[None]],
    dialect: Dialect = OURS,
    *,
    each_a_client: bool = False,
) -> Seen:
    seen = Seen()
    async with _session(port) as session, Feed.open(feed_port) as feed:
        began, seen.began_at = time.process_time(), time.monotonic()
        await load(Traveller(session, feed, seen, dialect, each_a_client=each_a_client))
        seen.ended_at = time.monotonic()
        seen.own_processor_seconds = time.process_time() - began
    return seen


@contextlib.asynccontextmanager
async def _session(port: int) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        f"http://{LOOPBACK}:{port}",
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(REQUEST_PATIENCE_SECONDS),
    ) as session:
        yield session


def _run(seeing: Coroutine[Any, Any, Seen]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(seeing)
    json.dump(asdict(seen), sys.stdout)


@click.group()
def main() -> None:
    """Be the callers of a service."""


@main.command("journeys")
@click.option("--port", type=int, required=True)
@click.option("--feed-port", type=int, required=True)
@click.option("--callers", type=click.IntRange(1, 1000), required=True)
@click.option("--seconds", type=click.FloatRange(0, MAX_SECONDS), required=True)
@click.option("--each-a-client", is_flag=True, help="Say so in X-Forwarded-For.")
@click.option("--dialect", type=click.Choice(list(DIALECTS)), default=OURS.name)
def journeys(
    port: int,
    feed_port: int,
    callers: int,
    seconds: float,
    each_a_client: bool,  # noqa: FBT001 - a flag
    dialect: str,
) -> None:
    def load(traveller: Traveller) -> Awaitable[None]:
        return in_closed_loop(traveller, callers, seconds)

    _run(observe(port, feed_port, load, DIALECTS[dialect], each_a_client=each_a_client))


@main.command("registrations")
@click.option("--port", type=int, required=True)
@click.option("--feed-port", type=int, required=True)
@click.option("--rate", type=click.FloatRange(0.1, 1000), required=True)
@click.option("--seconds", type=click.FloatRange(0, MAX_SECONDS), required=True)
def registrations(port: int, feed_port: int, rate: float, seconds: float) -> None:
    _run(observe(port, feed_port, lambda traveller: at_a_rate(traveller, rate, seconds)))


if __name__ == "__main__":
    main()
