"""What is broken, and how it is mended."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tools import apt
from tools.chaos import network
from tools.chaos.provider import Mood, Provider
from tools.cluster import Cluster, Replica
from tools.galera_node import GaleraNode

CLOCK_OFF = "+30s"
FAKE_CLOCKS = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")

WRITERS = 0.7
"""How often it is the node that is written to which is broken."""

NAMES = (
    "replica-killed",
    "node-killed",
    "node-frozen",
    "node-cut-off",
    "provider-refuses",
    "provider-hangs",
    "provider-fails",
    "provider-loses-answers",
    "clock-off",
)

T = TypeVar("T")

Mend = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`strike` breaks something; it returns what, and what mends it."""

    kind: str
    strike: Callable[[], Awaitable[tuple[str, Mend]]]


@dataclass
class Faults:
    """All that can be broken in a cluster. `hands`: one thread, that outlives whatever is started by it."""

    cluster: Cluster
    provider: Provider
    chance: random.Random
    hands: ThreadPoolExecutor
    fake_clock: Path | None
    has_own_network: bool

    def all(self) -> dict[str, Fault]:
        """By name; without those that are not possible here."""
        found = {
            "replica-killed": Fault("replica killed", self._replica_killed),
            "node-killed": Fault("node killed", self._node_killed),
            "node-frozen": Fault("node frozen", self._node_frozen),
            "provider-refuses": Fault("provider refuses", self._provider(Mood.REFUSES)),
            "provider-hangs": Fault("provider hangs", self._provider(Mood.HANGS)),
            "provider-fails": Fault("provider answers 500", self._provider(Mood.FAILS)),
            "provider-loses-answers": Fault("provider loses answers", self._provider(Mood.LOSES_ANSWERS)),
        }
        if self.has_own_network:
            found["node-cut-off"] = Fault("node cut off", self._node_cut_off)
        if self.fake_clock:
            found["clock-off"] = Fault("clock 30 s off", self._clock_off)
        return found

    async def _replica_killed(self) -> tuple[str, Mend]:
        replica = self.chance.choice(self.cluster.replicas)
        await self._do(replica.kill)
        return replica.name, lambda: self._do(replica.start)

    async def _node_killed(self) -> tuple[str, Mend]:
        node = self._node()
        await self._do(node.kill)
        return node.name, lambda: self._do(lambda: self.cluster.galera.start_again(node))

    async def _node_frozen(self) -> tuple[str, Mend]:
        node = self._node()
        await self._do(node.freeze)
        return node.name, lambda: self._do(node.resume)

    async def _node_cut_off(self) -> tuple[str, Mend]:
        node = self._node()
        others = [each for each in self.cluster.nodes if each is not node]
        await self._do(lambda: network.cut_off(node, others))
        return node.name, lambda: self._do(network.rejoin)

    async def _clock_off(self) -> tuple[str, Mend]:
        """A replica is killed and started again under another clock, and so back."""
        replica = self.chance.choice(self.cluster.replicas)
        own = replica.environment
        fake = {
            "LD_PRELOAD": str(self.fake_clock),
            "FAKETIME": CLOCK_OFF,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        await self._do(lambda: _start_with(replica, {**own, **fake}))
        return replica.name, lambda: self._do(lambda: _start_with(replica, dict(own)))

    def _provider(self, mood: Mood) -> Callable[[], Awaitable[tuple[str, Mend]]]:
        async def strike() -> tuple[str, Mend]:
            await self.provider.be(mood)
            return "provider", lambda: self.provider.be(Mood.WELL)

        return strike

    def _node(self) -> GaleraNode:
        writer = self.cluster.writer()
        if writer and self.chance.random() < WRITERS:
            return writer
        return self.chance.choice(self.cluster.nodes)

    async def _do(self, what: Callable[[], T]) -> None:
        await asyncio.get_running_loop().run_in_executor(self.hands, what)


def find_fake_clock() -> Path | None:
    """The library that gives a process another clock; installed where that takes no question."""
    return _fake_clock() or (_fake_clock() if apt.install("libfaketime") else None)


def _fake_clock() -> Path | None:
    found: Sequence[Path] = [
        file for pattern in FAKE_CLOCKS for file in sorted(Path("/").glob(pattern.lstrip("/")))
    ]
    return found[0] if found else None


def _start_with(replica: Replica, environment: dict[str, str]) -> None:
    replica.kill()
    replica.environment = environment
    replica.start()
