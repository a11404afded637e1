"""Whole journeys in a closed loop: how many a second, and what one costs the service and the database."""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import bcrypt

from bench import probes
from bench.callers import make_journeys
from bench.contenders import Contender
from bench.figures import percentiles
from bench.stage import Broken, Provider, Service, Stage

WATCH_SECONDS = 2.0
FEW_JOURNEYS = 5

_PASSWORD = b"." * 64
"""As long as what the service hashes."""


@dataclass(frozen=True, slots=True)
class Load:
    """Seconds are of the measured part; the callers end the journeys that they have begun."""

    callers: int
    warm_up_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Contest:
    """Who is measured at a bcrypt cost, all with the same load."""

    cost: int
    load: Load
    contenders: Sequence[Contender]


@dataclass(frozen=True, slots=True)
class Round:
    """Figures by name, in the order in which they are shown, and how many requests failed by kind and status."""

    figures: Mapping[str, float]
    failures: Mapping[str, int]


Measured = Mapping[str, Sequence[Round]]
"""By contender. The rounds with the same number were measured one after the other."""


def measure(
    stage: Stage, contests: Sequence[Contest], rounds: int, say: Callable[[str], None]
) -> Mapping[int, Measured]:
    """So many rounds for each contender, in turn, so that a machine that slows down slows all of them.

    By bcrypt cost.
    """
    measured: dict[int, dict[str, list[Round]]] = {
        contest.cost: {contender.name: [] for contender in contest.contenders} for contest in contests
    }
    for number in range(1, rounds + 1):
        for contest in contests:
            for contender in contest.contenders:
                measured_now = measure_once(stage, contender, contest.cost, contest.load)
                measured[contest.cost][contender.name].append(measured_now)
                speed = measured_now.figures["journeys_per_second"]
                say(
                    f"round {number} of {rounds}, cost {contest.cost}, {contender.name}: {speed:.1f} journeys/s"
                )
    return measured


def measure_once(stage: Stage, contender: Contender, cost: int, load: Load) -> Round:
    """A new process on an empty database."""
    with stage.provider() as provider, contender.start(stage, provider, cost) as service:

        def travel(seconds: float) -> Any:
            return make_journeys(stage, service, provider, load.callers, seconds, dialect=contender.dialect)

        travel(load.warm_up_seconds)
        probes.forget_peak_memory(stage.probe.pid)
        with stage.running("bench.bystander", "--port", service.port) as bystander:
            began = _Spent.until_now(stage, service, provider)
            time.sleep(WATCH_SECONDS)
            before = _Spent.until_now(stage, service, provider)
            seen = travel(load.seconds)
            spent = _Spent.until_now(stage, service, provider) - before
            bystander.stop()
        memory = {
            "service_peak_memory_mb": probes.peak_memory_mb(service.pid),
            "database_peak_memory_mb": probes.peak_memory_mb(stage.probe.pid),
        }
    figures = {
        **_per_journey(seen, spent, before - began, _hash_ms(cost), load.seconds),
        **_milliseconds("register", seen["register_ms"]),
        **_milliseconds("activate", seen["activate_ms"]),
        **_milliseconds("mail", seen["mail_ms"]),
        **_milliseconds("bystander", _during(seen, bystander.printed())),
        **memory,
    }
    return Round(figures, seen["failures"])


@dataclass(frozen=True, slots=True)
class _Spent:
    at: float
    service: float
    database: float
    provider: float
    machine: float
    counts: probes.DatabaseCounts

    @classmethod
    def until_now(cls, stage: Stage, service: Service, provider: Provider) -> "_Spent":
        return cls(
            time.monotonic(),
            probes.processor_seconds(service.pid),
            probes.processor_seconds(stage.probe.pid),
            probes.processor_seconds(provider.program.pid),
            probes.machine_busy_seconds(),
            stage.probe.counts(),
        )

    def __sub__(self, other: "_Spent") -> "_Spent":
        return _Spent(
            self.at - other.at,
            self.service - other.service,
            self.database - other.database,
            self.provider - other.provider,
            self.machine - other.machine,
            self.counts - other.counts,
        )


def per_second(ended_at: Sequence[float], began_at: float, seconds: float) -> float:
    """While all callers were at it: from the first end to the last one in time, whatever straggler came later.

    Where hardly one came in time, all of them by all the time that they took.
    """
    in_time = [at for at in ended_at if at <= began_at + seconds]
    if len(in_time) < FEW_JOURNEYS:
        return len(ended_at) / (max(ended_at) - began_at)
    return (len(in_time) - 1) / (in_time[-1] - in_time[0])


def _per_journey(seen: Any, spent: _Spent, idle: _Spent, hash_ms: float, seconds: float) -> dict[str, float]:
    journeys = len(seen["journeys_ended_at"])
    if not journeys:
        raise Broken(f"No journey came to its end: {seen['failures']}")
    lasted = seen["ended_at"] - seen["began_at"]
    idle_times = lasted / idle.at
    service_ms, idle_ms = 1000 * spent.service / journeys, 1000 * idle.service * idle_times / journeys
    ours = spent.service + spent.database + spent.provider + seen["own_processor_seconds"]
    return {
        "journeys": journeys,
        "journeys_per_second": per_second(seen["journeys_ended_at"], seen["began_at"], seconds),
        "service_ms_per_journey": service_ms,
        "of_that_idle_and_bystander_ms": idle_ms,
        "of_that_the_journeys_own_ms": service_ms - idle_ms,
        "one_hash_ms": hash_ms,
        "database_ms_per_journey": 1000 * spent.database / journeys,
        "load_generator_ms_per_journey": 1000 * seen["own_processor_seconds"] / journeys,
        "provider_ms_per_journey": 1000 * spent.provider / journeys,
        "others_share_of_a_processor": (spent.machine - ours) / lasted,
        "statements_per_journey": spent.counts.statements / journeys,
        "of_that_idle_statements": idle.counts.statements * idle_times / journeys,
        "commits_per_journey": spent.counts.commits / journeys,
        "of_that_idle_commits": idle.counts.commits * idle_times / journeys,
    }


def _hash_ms(cost: int) -> float:
    """Processor time of one bcrypt hash here and now while all processors hash, the least that a journey can cost."""
    processors = len(os.sched_getaffinity(0))
    salt = bcrypt.gensalt(cost)
    count = 4 if cost > 8 else 100

    def hash_some(_: int) -> float:
        began_at = time.thread_time()
        for _number in range(count):
            bcrypt.hashpw(_PASSWORD, salt)
        return (time.thread_time() - began_at) * 1000 / count

    with ThreadPoolExecutor(processors) as threads:
        return statistics.mean(threads.map(hash_some, range(processors)))


def _milliseconds(name: str, values: Sequence[float]) -> dict[str, float]:
    return {f"{name}_{which}_ms": value for which, value in percentiles(values).items()}


def _during(seen: Any, answers: Sequence[tuple[float, float]]) -> list[float]:
    return [milliseconds for at, milliseconds in answers if seen["began_at"] <= at <= seen["ended_at"]]
