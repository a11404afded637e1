"""What the trials try: replicas of the service, each with a line of its own to one mail provider, and callers."""

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from tests.end_to_end.client import Person, code_of, somebody
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import LENIENT, Service
from tests.end_to_end.stage import open_stage
from tests.end_to_end.waiting import until
from tests.private_database import migrate
from tools.trials.mail_history import Kill, MailHistory
from tools.trials.provider_line import Exchange, ProviderLine

NO_LIMITS = {**LENIENT, "client_limits": ""}
"""All callers are one client here, and addresses are registered more often than people would."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration that was answered with 202, by whom and when."""

    person: Person
    service: str
    answered_at: float


@dataclass
class Replica:
    """A service, and its line to the provider."""

    name: str
    service: Service
    line: ProviderLine

    async def register(self, person: Person) -> str:
        """Return what became of it, in a word: `202`, a problem's code, or that there was no answer."""
        try:
            return code_of(await self.service.client.register(person))
        except httpx2.TransportError:
            return "no answer"

    async def activate(self, person: Person, code: str) -> str:
        return code_of(await self.service.client.activate(person, code))

    async def new_code(self, person: Person) -> str:
        return code_of(await self.service.client.new_code(person))

    async def look(self, person: Person) -> str:
        return code_of(await self.service.client.look(person))


@dataclass
class TrialStage:
    database_urls: Sequence[str]
    replicas: Sequence[Replica]
    sandbox: Sandbox
    kills: list[Kill] = field(default_factory=list)
    registered: list[Registered] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    _turns: Iterator[int] = field(default_factory=itertools.count)

    @property
    def exchanges(self) -> list[Exchange]:
        """All, in the order in which they began."""
        every = (exchange for replica in self.replicas for exchange in replica.line.exchanges)
        return sorted(every, key=lambda exchange: exchange.began_at)

    async def register_somebody(self, replica: Replica | None = None) -> Person:
        """Register somebody new with the replica, or with the next one in turn; remember what the answer promised."""
        replica = replica or self.replicas[next(self._turns) % len(self.replicas)]
        person = somebody()
        outcome = await replica.register(person)
        if outcome == "202":
            self.registered.append(Registered(person, replica.name, time.time()))
        else:
            self.refused[outcome] += 1
        return person

    async def somebody_registered(self, replica: Replica | None = None) -> Person:
        """Register somebody new, who is then sure to be registered."""
        before = len(self.registered)
        person = await self.register_somebody(replica)
        assert len(self.registered) > before, f"a registration was answered {dict(self.refused)}"  # noqa: S101
        return person

    async def register_many(self, count: int, *, at_once: int) -> None:
        """Register so many people, `at_once` at a time."""
        numbers = iter(range(count))

        async def caller() -> None:
            for _ in numbers:
                await self.register_somebody()

        await asyncio.gather(*(caller() for _ in range(at_once)))

    async def register_steadily(self, per_second: float, stop: asyncio.Event) -> None:
        """Register somebody so often, however long the answers take, until told to stop."""
        async with asyncio.TaskGroup() as group:
            began_at = time.monotonic()
            for number in itertools.count():
                await asyncio.sleep(max(began_at + number / per_second - time.monotonic(), 0))
                if stop.is_set():
                    return
                group.create_task(self.register_somebody())

    async def code_for(self, person: Person, mails: int = 1) -> str:
        """Return the newest code, as soon as the provider has accepted so many different mails to the person."""

        async def probe() -> str | None:
            codes = {
                exchange.mail_id: exchange.code
                for exchange in self.exchanges
                if exchange.address == person.email and exchange.is_accepted
            }
            return list(codes.values())[-1] if len(codes) == mails else None

        return await until(probe, f"{mails} mails to {person.email}")

    def kill(self, replica: Replica) -> None:
        """End the replica as `kill -9` does."""
        self.kills.append(Kill(replica.name, time.time()))
        replica.service.kill()

    async def cut_lines(self) -> None:
        """Have the provider unreachable for everybody."""
        for replica in self.replicas:
            await replica.line.cut()

    async def mend_lines(self) -> None:
        for replica in self.replicas:
            await replica.line.mend()

    def mailed_at(self) -> dict[str, float]:
        """By address, when a service was first told that the provider had taken its mail."""
        times: dict[str, float] = {}
        for replica in self.replicas:
            for exchange in replica.line.exchanges:
                if exchange.is_accepted and exchange.ended_at is not None:
                    known = times.get(exchange.address, exchange.ended_at)
                    times[exchange.address] = min(known, exchange.ended_at)
        return times

    def without_mail(self) -> set[str]:
        """The addresses that were answered 202 and have no mail yet, as far as the services know."""
        return {registered.person.email for registered in self.registered} - set(self.mailed_at())

    async def wait_for_mails(self, seconds: float) -> float:
        """Wait until each address that was answered 202 has its mail, or so long; return how long it was."""

        async def probe() -> bool:
            return not self.without_mail()

        began_at = time.monotonic()
        with contextlib.suppress(AssertionError):
            await until(probe, "every mail", seconds)
        return time.monotonic() - began_at

    async def history(self) -> MailHistory:
        return MailHistory(self.exchanges, await self.sandbox.all_attempts(), self.kills)

    async def faults(self) -> Counter[str]:
        """How often the provider failed, and in which ways."""
        return Counter(attempt.fault for attempt in await self.sandbox.all_attempts() if attempt.fault)

    def errors(self) -> Counter[str]:
        """What the services say should not have happened, and how often."""
        return Counter(
            str(line.get("event")) for replica in self.replicas for line in replica.service.errors()
        )


@asynccontextmanager
async def open_trial_stage(database_urls: Sequence[str], folder: Path) -> AsyncIterator[TrialStage]:
    """One replica for each URL; the tables are made through the first. All of it is stopped at the end."""
    migrate(database_urls[0])
    async with AsyncExitStack() as stack:
        lines = await stack.enter_async_context(_closing_lines())
        stage = await stack.enter_async_context(open_stage(database_urls[0], folder))
        replicas = []
        for number, url in enumerate(database_urls, start=1):
            line = ProviderLine(f"service {number}", stage.sandbox.port)
            await line.mend()
            lines.append(line)
            service = await stage.serve(
                **NO_LIMITS, database_url=url, mail_api_url=line.url, log_level="info"
            )
            replicas.append(Replica(line.service, service, line))
        yield TrialStage(database_urls, replicas, stage.sandbox)


@asynccontextmanager
async def _closing_lines() -> AsyncIterator[list[ProviderLine]]:
    """Close them after the services that use them have been stopped."""
    lines: list[ProviderLine] = []
    try:
        yield lines
    finally:
        for line in lines:
            await line.cut()
