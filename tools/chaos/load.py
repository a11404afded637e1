"""A steady load: so many journeys and attacks begin each second, however long the ones before them take."""

import asyncio
import contextlib
import itertools
import random
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from tools.chaos.asking import Person
from tools.chaos.attacks import Attackers
from tools.chaos.journeys import GivenUp, Walkers

MOST_AT_ONCE = 150
"""With more than this under way nobody new comes: what is to be seen is the service, not a queue before it."""

GUESSING_CLIENTS = 3
"""A client has five of an address's ten wrong codes: from two on all ten can be spent."""


@dataclass
class Load:
    walkers: Walkers
    chance: random.Random
    per_second: float
    attacks: float
    """The share of those who come that are attackers."""
    turned_away: int = 0
    given_up: int = 0
    _run: str = field(default_factory=lambda: secrets.token_hex(3))

    async def run(self, stop: asyncio.Event, patience_seconds: float) -> None:
        """Go on until told to stop; then those under way have so long to come to an end."""
        under_way = set[asyncio.Task[None]]()
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        for number in itertools.count(1):
            with contextlib.suppress(TimeoutError):
                due_in = began_at + number / self.per_second - loop.time()
                await asyncio.wait_for(stop.wait(), max(due_in, 0.001))
            if stop.is_set():
                break
            if len(under_way) >= MOST_AT_ONCE:
                self.turned_away += 1
                continue
            task = asyncio.create_task(self._counted(self._somebody(number)))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=patience_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _somebody(self, number: int) -> Coroutine[Any, Any, None]:
        clients = self.walkers.service.clients
        email = f"chaos.{self._run}.{number}@example.org"
        password = f"a password, number {number}"
        if self.chance.random() < self.attacks:
            own, *several = self.chance.sample(clients, 1 + GUESSING_CLIENTS)
            return Attackers(self.walkers).guess(Person(f"attacker {number}", email, password, own), several)
        return self.walkers.journey(Person(f"journey {number}", email, password, self.chance.choice(clients)))

    async def _counted(self, coming: Coroutine[Any, Any, None]) -> None:
        try:
            await coming
        except GivenUp:
            self.given_up += 1
