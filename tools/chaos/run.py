"""One run: the cluster, the load on it, what is broken one after the other, and the record of it all."""

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.chaos import record, tables
from tools.chaos.asking import open_service
from tools.chaos.faults import Fault, Faults
from tools.chaos.journeys import Walkers
from tools.chaos.load import Load
from tools.chaos.provider import Provider
from tools.chaos.record import Incident, Record
from tools.chaos.recovery import recoveries
from tools.cluster import Cluster, HasEnded, open_cluster

CLIENTS = [f"127.90.{number // 250}.{number % 250 + 1}" for number in range(300)]

SETTINGS = {
    "REGISTRATION_BCRYPT_COST": "4",
    # people here do in seconds what takes others minutes
    "REGISTRATION_MAIL_COOLDOWN_SECONDS": "2",
    "REGISTRATION_MAILS_PER_HOUR": "40",
    "REGISTRATION_MAILS_PER_DAY": "80",
    "REGISTRATION_CLIENT_LIMITS": "register=1000000/minute,auth=1000000/minute,wrong-codes=1000000/day",
}

RECOVERY_SECONDS = 30.0
"""So long the next fault waits for answers to come again."""

ENDING_SECONDS = 90.0
MAILS_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in this order. `held`: for how long each fault lasts; `calm`: none, before and after each."""

    seed: int
    faults: Sequence[str]
    replicas: int
    per_second: float
    attacks: float
    dawdlers: float
    lingering_seconds: float
    held: tuple[float, float]
    calm: float
    spread: bool
    """Each replica has a node of its own, and callers ask any replica: what meets at an address meets between nodes."""


@dataclass
class Outcome:
    """A run's record, and what is not in it."""

    record: Record
    began_at: float
    turned_away: int = 0
    given_up: int = 0
    nodes_agree: bool = True


def run(plan: Plan, folder: Path, fake_clock: Path | None, *, has_own_network: bool) -> Outcome:
    """Do what the plan says, and write the record into the folder. Raises as `open_cluster` does."""
    provider = Provider()
    settings = {**SETTINGS, "REGISTRATION_MAIL_API_URL": provider.url}
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    # what is started ends with the thread that has started it
    with ThreadPoolExecutor(1) as hands, open_cluster(logs, plan.replicas, settings) as cluster:
        chance = random.Random(plan.seed)  # noqa: S311 - it guards nothing
        faults = Faults(cluster, provider, chance, hands, fake_clock, has_own_network)
        if plan.spread:
            _spread(cluster)
        return asyncio.run(_run(plan, cluster, provider, faults, folder))


def _spread(cluster: Cluster) -> None:
    """Give each replica a node of its own."""
    for replica, node in zip(cluster.replicas, itertools.cycle(cluster.nodes), strict=False):
        replica.kill()
        replica.environment = {**replica.environment, "REGISTRATION_DATABASE_URL": node.url()}
    cluster.wait_until(lambda: not cluster.is_ready(), "HAProxy has seen the replicas end")
    for replica in cluster.replicas:
        replica.start()
    cluster.wait_until(cluster.is_ready, "every replica is ready again")


async def _run(plan: Plan, cluster: Cluster, provider: Provider, faults: Faults, folder: Path) -> Outcome:
    await provider.open()
    load_chance = random.Random(plan.seed + 1)  # noqa: S311 - likewise
    urls = [replica.url for replica in cluster.replicas] if plan.spread else [cluster.url]
    async with open_service(urls, CLIENTS, load_chance) as service:
        load = Load(
            Walkers(service, provider, load_chance, plan.dawdlers, plan.lingering_seconds),
            load_chance,
            plan.per_second,
            plan.attacks,
        )
        stop = asyncio.Event()
        began_at = time.time()
        incidents: list[Incident] = []
        under_load = asyncio.create_task(load.run(stop, ENDING_SECONDS))
        try:
            await asyncio.sleep(plan.calm)
            possible = faults.all()
            for name in plan.faults:
                if name not in possible:
                    _say(began_at, f"{name}: not possible here")
                    continue
                await _one(plan, possible[name], faults, incidents, began_at)
                await _answers_again(service.calls, provider, incidents)
                await asyncio.sleep(plan.calm)
        finally:
            stop.set()
            await under_load
        _say(began_at, f"the load has ended; {len(service.calls)} requests")
        await _all_is_well(cluster)
        url = cluster.nodes[0].url()
        await _mails_are_settled(url)
        found = Record(
            service.calls,
            provider.handed_in,
            incidents,
            tables.accounts(url),
            tables.mails(url),
            tables.wrong_codes(url),
        )
        record.write(folder, found)
        agree = len({tuple(tables.checksums(node.url())) for node in cluster.nodes}) == 1
        await provider.close()
        return Outcome(found, began_at, load.turned_away, load.given_up, nodes_agree=agree)


async def _one(plan: Plan, fault: Fault, faults: Faults, incidents: list[Incident], began_at: float) -> None:
    struck_at = time.time()
    victim, mend = await fault.strike()
    _say(began_at, f"{fault.kind}: {victim}")
    await asyncio.sleep(faults.chance.uniform(*plan.held))
    mended_at = time.time()
    incidents.append(Incident(fault.kind, victim, struck_at, mended_at))
    await mend()
    _say(began_at, f"mended: {victim}")


async def _answers_again(
    calls: Sequence[record.Call], provider: Provider, incidents: Sequence[Incident]
) -> None:
    """Wait until it can be said how soon they did, or for as long as makes a failure of it."""
    deadline = time.time() + RECOVERY_SECONDS
    while time.time() < deadline:
        await asyncio.sleep(1)
        last = recoveries(calls, provider.handed_in, incidents)[-1]
        if last.after_mending is not None:
            return


async def _all_is_well(cluster: Cluster) -> None:
    deadline = time.time() + MAILS_SECONDS
    while not await asyncio.to_thread(cluster.is_ready):
        if time.time() > deadline:
            raise HasEnded("Not every replica and node is well again at the end.")
        await asyncio.sleep(0.5)


async def _mails_are_settled(url: str) -> None:
    """Wait until no mail waits, or should not any more: the checker will find those that do."""
    deadline = time.time() + MAILS_SECONDS
    while await asyncio.to_thread(tables.waiting_mails, url) and time.time() < deadline:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.5)


def _say(began_at: float, what: str) -> None:
    print(f"[{time.time() - began_at:6.1f} s] {what}", flush=True)
