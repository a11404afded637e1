"""One, two and three replicas of the service on one database: what they make together, and what each part spends."""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from bench import probes
from bench.callers import make_journeys_at_each
from bench.figures import Spread, percentiles, spreads
from bench.journeys import Round, per_second
from bench.stage import Broken, Provider, Service, Stage
from tools import private_redis
from tools.private_redis import throwaway_redis

COUNTS = (1, 2, 3)
COST = 4
"""Hashing is not what is measured: it needs nothing that replicas share."""

WATCH_SECONDS = 2.0
FULL = 0.9
"""From this share of a processor's time on it is called full, and an event loop likewise."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rounds by the number of replicas."""

    rounds: Mapping[int, Sequence[Round]]

    @property
    def columns(self) -> Mapping[int, Mapping[str, Spread]]:
        return {count: spreads([each.figures for each in found]) for count, found in self.rounds.items()}

    @property
    def full(self) -> Mapping[int, str]:
        """Which resource keeps so many replicas from making more."""
        return {
            count: _full({name: spread.median for name, spread in figures.items()})
            for count, figures in self.columns.items()
        }


def measure(
    stage: Stage, callers: int, warm_up: float, seconds: float, rounds: int, say: Callable[[str], None]
) -> Outcome:
    """Each number of replicas once a round, in turn, with the same number of callers in all."""
    measured: dict[int, list[Round]] = {count: [] for count in COUNTS}
    for number in range(1, rounds + 1):
        for count in COUNTS:
            found = _measure_once(stage, count, callers, warm_up, seconds)
            measured[count].append(found)
            speed = found.figures["journeys_per_second"]
            say(f"round {number} of {rounds}, replicas: {count}: {speed:.1f} journeys/s")
    return Outcome(measured)


def _measure_once(stage: Stage, count: int, callers: int, warm_up: float, seconds: float) -> Round:
    with stage.provider() as provider, _replicas(stage, count, provider) as (services, redis):

        def travel(seconds: float) -> Sequence[Any]:
            return make_journeys_at_each(stage, services, provider, callers // count, seconds)

        travel(warm_up)
        began = _Spent.until_now(stage, services, provider, redis)
        time.sleep(WATCH_SECONDS)
        before = _Spent.until_now(stage, services, provider, redis)
        seen = travel(seconds)
        spent = _Spent.until_now(stage, services, provider, redis) - before
    failures = Counter[str]()
    for each in seen:
        failures.update(each["failures"])
    return Round(_figures(seen, spent, before - began, seconds), failures)


@contextlib.contextmanager
def _replicas(stage: Stage, count: int, provider: Provider) -> Iterator[tuple[Sequence[Service], Redis]]:
    """They share an empty database, and by Redis what they count, as replicas are run; one alone does so too."""
    url = stage.new_database()
    with contextlib.ExitStack() as stack:
        storage = stack.enter_context(throwaway_redis(private_redis.find()))
        services = [
            stack.enter_context(
                stage.service(
                    bcrypt_cost=COST,
                    database_url=url,
                    mail_api_url=provider.url,
                    rate_limit_storage=storage.url,
                )
            )
            for _ in range(count)
        ]
        yield services, stack.enter_context(Redis.from_url(storage.url))


@dataclass(frozen=True, slots=True)
class _Spent:
    """Processor seconds."""

    at: float
    services: Sequence[float]
    event_loops: Sequence[float]
    """Of the services' seconds, those of the thread that does all but hashing."""
    database: float
    provider: float
    redis: float
    machine: float
    counts: probes.DatabaseCounts
    redis_commands: int

    @classmethod
    def until_now(
        cls, stage: Stage, services: Sequence[Service], provider: Provider, redis: Redis
    ) -> "_Spent":
        info: Any = redis.info()
        return cls(
            time.monotonic(),
            [probes.processor_seconds(service.pid) for service in services],
            [probes.event_loop_seconds(service.pid) for service in services],
            probes.processor_seconds(stage.probe.pid),
            probes.processor_seconds(provider.program.pid),
            info["used_cpu_user"] + info["used_cpu_sys"],
            probes.machine_busy_seconds(),
            stage.probe.counts(),
            info["total_commands_processed"],
        )

    def __sub__(self, other: "_Spent") -> "_Spent":
        return _Spent(
            self.at - other.at,
            _each_less(self.services, other.services),
            _each_less(self.event_loops, other.event_loops),
            self.database - other.database,
            self.provider - other.provider,
            self.redis - other.redis,
            self.machine - other.machine,
            self.counts - other.counts,
            self.redis_commands - other.redis_commands,
        )


def _each_less(now: Sequence[float], before: Sequence[float]) -> Sequence[float]:
    return [late - early for late, early in zip(now, before, strict=True)]


def _figures(seen: Sequence[Any], spent: _Spent, idle: _Spent, seconds: float) -> dict[str, float]:
    ended_at = sorted(at for each in seen for at in each["journeys_ended_at"])
    journeys = len(ended_at)
    if not journeys:
        raise Broken(f"No journey came to its end: {[each['failures'] for each in seen]}")
    load_generators = sum(each["own_processor_seconds"] for each in seen)
    of_services = sum(spent.services)
    ours = of_services + spent.database + spent.provider + spent.redis + load_generators
    return {
        "journeys": journeys,
        "journeys_per_second": per_second(ended_at, min(each["began_at"] for each in seen), seconds),
        "service_ms_per_journey": 1000 * of_services / journeys,
        "of_that_event_loops_ms": 1000 * sum(spent.event_loops) / journeys,
        "of_that_idle_ms": 1000 * sum(idle.services) * spent.at / idle.at / journeys,
        "database_ms_per_journey": 1000 * spent.database / journeys,
        "load_generator_ms_per_journey": 1000 * load_generators / journeys,
        "provider_ms_per_journey": 1000 * spent.provider / journeys,
        "redis_ms_per_journey": 1000 * spent.redis / journeys,
        "redis_commands_per_journey": spent.redis_commands / journeys,
        "statements_per_journey": spent.counts.statements / journeys,
        "commits_per_journey": spent.counts.commits / journeys,
        "journeys_per_second_and_event_loop": journeys / sum(spent.event_loops),
        "journeys_per_second_and_processor_of_database": journeys / spent.database,
        "busiest_event_loop_share_of_a_processor": max(spent.event_loops) / spent.at,
        "database_share_of_a_processor": spent.database / spent.at,
        "others_share_of_a_processor": (spent.machine - ours) / spent.at,
        "busy_processors": spent.machine / spent.at,
        **_milliseconds("register", seen),
        **_milliseconds("activate", seen),
        **_milliseconds("mail", seen),
    }


def _milliseconds(name: str, seen: Sequence[Any]) -> dict[str, float]:
    values = [value for each in seen for value in each[f"{name}_ms"]]
    return {f"{name}_{which}_ms": value for which, value in percentiles(values).items()}


def _full(figures: Mapping[str, float]) -> str:
    processors = len(os.sched_getaffinity(0))
    busy, busiest = figures["busy_processors"], figures["busiest_event_loop_share_of_a_processor"]
    full = []
    if busiest >= FULL:
        full.append(f"the busiest event loop ({busiest:.2f} of a processor)")
    if busy >= FULL * processors:
        others = figures["others_share_of_a_processor"]
        full.append(
            f"the machine's processors ({busy:.2f} of {processors} busy, {others:.2f} with other work)"
        )
    return " and ".join(full) or f"none: callers wait, with {busy:.2f} of {processors} processors busy"
