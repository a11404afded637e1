"""The load generator of `overload`, a process of its own: callers who come at their time, however long others wait.

`python -m bench.arrivals capacity` or `flood`; it prints what it saw as JSON.
"""

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import click
import uvloop

from bench.feed import Feed
from tools.addresses import LOOPBACK

PATIENCE_SECONDS = 30
HANG_UP_SECONDS = 0.5
HANG_UP_EVERY = 10
"""So many arrivals have one who does not wait for longer."""

MAX_SECONDS = 600
ACCEPTED, DONE, PUT_OFF = 202, 200, 503


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who has registered, and the code that they were mailed."""

    email: str
    password: str
    code: str


@dataclass(slots=True)
class Seen:
    """Times are `time.monotonic()`; pairs are when an answer came and after how many milliseconds."""

    began_at: float = 0.0
    registered: list[tuple[float, float]] = field(default_factory=list)
    refused: list[tuple[float, float]] = field(default_factory=list)
    hung_up: dict[str, float] = field(default_factory=dict)
    """Addresses, and when in seconds since 1970: to be compared with what the database says."""
    activated: list[tuple[float, float]] = field(default_factory=list)
    """By those who had registered at a process that is gone: each takes a hash."""
    activated_at_once: list[tuple[float, float]] = field(default_factory=list)
    """By those who registered in the flood: the process remembers their passwords."""
    failures: dict[str, int] = field(default_factory=dict)
    owners: list[Owner] = field(default_factory=list)
    own_processor_seconds: float = 0.0

    def failed(self, what: str) -> None:
        self.failures[what] = self.failures.get(what, 0) + 1


class Callers:
    """Each is somebody new, and asks once."""

    def __init__(self, session: aiohttp.ClientSession, feed: Feed, seen: Seen) -> None:
        self._session = session
        self._feed = feed
        self._seen = seen

    async def register(self, patience_seconds: float | None = None) -> Owner | None:
        """Register and wait for the code; None if that was put off or failed, or took longer than the caller waits."""
        email, password = f"flood.{secrets.token_hex(8)}@example.org", secrets.token_hex(12)
        expected = self._feed.expect(email)
        outcomes = {ACCEPTED: self._seen.registered, PUT_OFF: self._seen.refused}
        document = {"email": email, "password": password}
        try:
            try:
                async with asyncio.timeout(patience_seconds):
                    if await self._post(outcomes, "/v1/users", json=document) != ACCEPTED:
                        return None
            except TimeoutError:
                self._seen.hung_up[email] = time.time()
                return None
            return Owner(email, password, (await asyncio.wait_for(expected, PATIENCE_SECONDS)).code)
        except TimeoutError:
            self._seen.failed("no mail")
            return None
        finally:
            self._feed.forget(email)

    async def register_and_activate(self, patience_seconds: float | None = None) -> None:
        if owner := await self.register(patience_seconds):
            await self._activate(owner, self._seen.activated_at_once)

    async def activate(self, owner: Owner) -> None:
        await self._activate(owner, self._seen.activated)

    async def _activate(self, owner: Owner, activated: list[tuple[float, float]]) -> None:
        credentials = {"Authorization": aiohttp.encode_basic_auth(owner.email, owner.password)}
        document = {"code": owner.code}
        await self._post({DONE: activated}, "/v1/users/activation", json=document, headers=credentials)

    async def _post(self, outcomes: Mapping[int, list[tuple[float, float]]], path: str, **asked: Any) -> int:
        """Return the status, 0 if there was no answer; note those that are no outcome as failures."""
        began_at = time.monotonic()
        try:
            async with self._session.post(path, **asked) as response:
                await response.read()
        except (aiohttp.ClientError, aiohttp.ServerTimeoutError) as error:
            self._seen.failed(f"{path} {type(error).__name__}")
            return 0
        if response.status in outcomes:
            answered_at = time.monotonic()
            outcomes[response.status].append((answered_at, (answered_at - began_at) * 1000))
        else:
            self._seen.failed(f"{path} {response.status}")
        return response.status


async def measure_capacity(callers: Callers, seen: Seen, at_once: int, seconds: float) -> None:
    """So many register anew whenever they have been answered; who has registered is noted as an owner."""
    deadline = time.monotonic() + seconds

    async def call() -> None:
        while time.monotonic() < deadline:
            if owner := await callers.register():
                seen.owners.append(owner)

    await asyncio.gather(*(call() for _ in range(at_once)))


async def flood(callers: Callers, owners: Sequence[Owner], per_second: float, seconds: float) -> None:
    """Registrations and, evenly among them, the owners' activations, at even distances; wait for all answers."""
    async with asyncio.TaskGroup() as tasks:

        async def come(calls: Iterable[Callable[[], Coroutine[Any, Any, None]]], per_second: float) -> None:
            began_at = time.monotonic()
            for number, call in enumerate(calls):
                await asyncio.sleep(max(began_at + number / per_second - time.monotonic(), 0))
                tasks.create_task(call())

        arrivals = [
            partial(callers.register_and_activate, None if number % HANG_UP_EVERY else HANG_UP_SECONDS)
            for number in range(int(per_second * seconds))
        ]
        tasks.create_task(come(arrivals, per_second))
        if owners:
            activations = [partial(callers.activate, owner) for owner in owners]
            tasks.create_task(come(activations, len(owners) / seconds))


async def observe(port: int, feed_port: int, load: Callable[[Callers, Seen], Awaitable[None]]) -> Seen:
    seen = Seen()
    session = aiohttp.ClientSession(
        f"http://{LOOPBACK}:{port}",
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(PATIENCE_SECONDS),
    )
    async with session, Feed.open(feed_port) as feed:
        began, seen.began_at = time.process_time(), time.monotonic()
        await load(Callers(session, feed, seen), seen)
        seen.own_processor_seconds = time.process_time() - began
    return seen


def _run(port: int, feed_port: int, load: Callable[[Callers, Seen], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(observe(port, feed_port, load))
    json.dump(asdict(seen), sys.stdout)


@click.group()
def main() -> None:
    """Be the callers of a service."""


@main.command("capacity")
@click.option("--port", type=int, required=True)
@click.option("--feed-port", type=int, required=True)
@click.option("--callers", "at_once", type=click.IntRange(1, 1000), required=True)
@click.option("--seconds", type=click.FloatRange(0, MAX_SECONDS), required=True)
def _capacity(port: int, feed_port: int, at_once: int, seconds: float) -> None:
    _run(port, feed_port, lambda callers, seen: measure_capacity(callers, seen, at_once, seconds))


@main.command("flood")
@click.option("--port", type=int, required=True)
@click.option("--feed-port", type=int, required=True)
@click.option(
    "--owners", "file", type=click.Path(path_type=Path), required=True, help="What `capacity` printed."
)
@click.option("--activations", type=click.IntRange(0), required=True, help="So many of the owners come.")
@click.option("--rate", type=click.FloatRange(0.1, 10_000), required=True)
@click.option("--seconds", type=click.FloatRange(0, MAX_SECONDS), required=True)
def _flood(port: int, feed_port: int, file: Path, activations: int, rate: float, seconds: float) -> None:
    owners = [Owner(**owner) for owner in json.loads(file.read_text())["owners"][:activations]]
    _run(port, feed_port, lambda callers, _: flood(callers, owners, rate, seconds))


if __name__ == "__main__":
    main()
