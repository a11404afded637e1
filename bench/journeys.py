"""Whole journeys in a closed loop: how many a second, and what one costs the service and the database."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bcrypt

from bench import probes
from bench.callers import make_journeys
from bench.figures import percentiles
from bench.stage import Broken, Provider, Service, Stage

WATCH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Load:
    """Seconds are of the measured part; the callers end the journeys that they have begun."""

    callers: int
    warm_up_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Round:
    """Figures by name, in the order in which they are shown, and how many requests failed by kind and status."""

    figures: Mapping[str, float]
    failures: Mapping[str, int]


def measure(
    stage: Stage, costs: Sequence[int], load: Callable[[int], Load], rounds: int, say: Callable[[str], None]
) -> dict[int, list[Round]]:
    """So many rounds for each bcrypt cost, in turn, so that a machine that slows down slows all of them."""
    measured: dict[int, list[Round]] = {cost: [] for cost in costs}
    for number in range(1, rounds + 1):
        for cost in costs:
            measured[cost].append(measure_once(stage, cost, load(cost)))
            speed = measured[cost][-1].figures["journeys_per_second"]
            say(f"round {number} of {rounds}, cost {cost}: {speed:.1f} journeys/s")
    return measured


def measure_once(stage: Stage, cost: int, load: Load) -> Round:
    """A new service on an empty database."""
    database_url = stage.new_database()
    with (
        stage.provider() as provider,
        stage.service(bcrypt_cost=cost, database_url=database_url, mail_api_url=provider.url) as service,
    ):
        make_journeys(stage, service, provider, load.callers, load.warm_up_seconds)
        with stage.running("bench.bystander", "--port", service.port) as bystander:
            watched = _share_of_a_processor(service, WATCH_SECONDS)
            before = _Spent.until_now(stage, service, provider)
            seen = make_journeys(stage, service, provider, load.callers, load.seconds)
            spent = _Spent.until_now(stage, service, provider) - before
            bystander.stop()
        peak_memory = probes.peak_memory_mb(service.pid)
    figures = {
        **_per_journey(seen, spent, _hash_ms(cost), watched, load.seconds),
        **_milliseconds("register", seen["register_ms"]),
        **_milliseconds("activate", seen["activate_ms"]),
        **_milliseconds("mail", seen["mail_ms"]),
        **_milliseconds("bystander", _during(seen, bystander.printed())),
        "service_peak_memory_mb": peak_memory,
    }
    return Round(figures, seen["failures"])


@dataclass(frozen=True, slots=True)
class _Spent:
    service: float
    database: float
    provider: float
    machine: float
    counts: probes.DatabaseCounts

    @classmethod
    def until_now(cls, stage: Stage, service: Service, provider: Provider) -> "_Spent":
        return cls(
            probes.processor_seconds(service.pid),
            probes.processor_seconds(stage.probe.pid),
            probes.processor_seconds(provider.program.pid),
            probes.machine_busy_seconds(),
            stage.probe.counts(),
        )

    def __sub__(self, other: "_Spent") -> "_Spent":
        return _Spent(
            self.service - other.service,
            self.database - other.database,
            self.provider - other.provider,
            self.machine - other.machine,
            self.counts - other.counts,
        )


def _share_of_a_processor(service: Service, seconds: float) -> float:
    before = probes.processor_seconds(service.pid)
    time.sleep(seconds)
    return (probes.processor_seconds(service.pid) - before) / seconds


def _per_second(ended_at: Sequence[float], deadline: float) -> float:
    """While all callers were at it: from the first end to the last one in time, whatever straggler came later."""
    in_time = [at for at in ended_at if at <= deadline]
    return (len(in_time) - 1) / (in_time[-1] - in_time[0]) if len(in_time) > 1 else 0.0


def _per_journey(
    seen: Any, spent: _Spent, hash_ms: float, watched: float, seconds: float
) -> dict[str, float]:
    journeys = len(seen["journeys_ended_at"])
    if not journeys:
        raise Broken(f"No journey came to its end: {seen['failures']}")
    lasted = seen["ended_at"] - seen["began_at"]
    ours = spent.service + spent.database + spent.provider + seen["own_processor_seconds"]
    return {
        "journeys": journeys,
        "journeys_per_second": _per_second(seen["journeys_ended_at"], seen["began_at"] + seconds),
        "service_ms_per_journey": 1000 * spent.service / journeys,
        "of_that_idle_and_bystander_ms": 1000 * watched * lasted / journeys,
        "one_hash_ms": hash_ms,
        "database_ms_per_journey": 1000 * spent.database / journeys,
        "load_generator_ms_per_journey": 1000 * seen["own_processor_seconds"] / journeys,
        "provider_ms_per_journey": 1000 * spent.provider / journeys,
        "others_share_of_a_processor": (spent.machine - ours) / lasted,
        "statements_per_journey": spent.counts.statements / journeys,
        "commits_per_journey": spent.counts.commits / journeys,
    }


def _hash_ms(cost: int) -> float:
    """Processor time of one bcrypt hash here and now, the least that a journey can cost."""
    salt = bcrypt.gensalt(cost)

    def one() -> float:
        began_at = time.thread_time()
        bcrypt.hashpw(b"the password of a benchmark", salt)
        return (time.thread_time() - began_at) * 1000

    return statistics.median(one() for _ in range(3 if cost > 8 else 50))


def _milliseconds(name: str, values: Sequence[float]) -> dict[str, float]:
    return {f"{name}_{which}_ms": value for which, value in percentiles(values).items()}


def _during(seen: Any, answers: Sequence[tuple[float, float]]) -> list[float]:
    return [milliseconds for at, milliseconds in answers if seen["began_at"] <= at <= seen["ended_at"]]
