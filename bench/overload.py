"""Ten times as many registrations as there is capacity for: what becomes of them, and of everybody else."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bench import probes
from bench.aims import Aim
from bench.figures import percentile, percentiles, short
from bench.stage import Broken, Program, Provider, Service, Stage

TIMES = 10
SHARE_OF_ACTIVATIONS = 0.5
"""Of the capacity, for people who registered before: what they ask for fits, whoever else comes."""

CALLERS_PER_PROCESSOR = 4
WARM_UP_SECONDS = 2.0
PATIENCE_SECONDS = 60
HASHES_UNDER_WAY = 2
"""A hash that had begun when its caller hung up ends within the time of so many; what ends later began later."""


@dataclass(frozen=True, slots=True)
class Outcome:
    figures: Mapping[str, float]
    failures: Mapping[str, int]
    aims: Sequence[Aim]


def measure(stage: Stage, cost: int, seconds: float, say: Callable[[str], None]) -> Outcome:
    """Measure the capacity; start the service anew, so that it remembers no password; flood it."""
    database_url = stage.new_database()
    with stage.provider() as provider:
        serve = partial(
            stage.service,
            bcrypt_cost=cost,
            database_url=database_url,
            mail_api_url=provider.url,
            code_ttl_seconds=600,
        )
        with serve() as service, stage.running("bench.bystander", "--port", service.port):
            _register(stage, service, provider, WARM_UP_SECONDS)
            program, before = _register(stage, service, provider, seconds * SHARE_OF_ACTIVATIONS)
        capacity = _per_second([at for at, _ in before["registered"]])
        say(f"capacity: {capacity:.1f} hashes a second")
        with serve() as service:
            _register(stage, service, provider, WARM_UP_SECONDS)
            flooded = _Flooded.by(stage, service, provider, program, capacity, seconds)
    return flooded.outcome(_registrations(database_url, flooded.began))


@dataclass(frozen=True, slots=True)
class _Flooded:
    capacity: float
    seconds: float
    activations: int
    began: datetime
    seen: Any
    live_ms: Sequence[float]
    service_seconds: float
    others_share: float

    @classmethod
    def by(
        cls,
        stage: Stage,
        service: Service,
        provider: Provider,
        owners: Program,
        capacity: float,
        seconds: float,
    ) -> "_Flooded":
        activations = int(capacity * SHARE_OF_ACTIVATIONS * seconds)
        arguments = ("--owners", owners.output, "--activations", activations, "--rate", TIMES * capacity)
        with stage.running("bench.bystander", "--port", service.port) as bystander:
            pids = (service.pid, stage.probe.pid, provider.program.pid, bystander.pid)
            began = datetime.now(UTC)
            before, busy = [*map(probes.processor_seconds, pids)], probes.machine_busy_seconds()
            _, seen = _load(stage, service, provider, "flood", seconds, *arguments)
            busy = probes.machine_busy_seconds() - busy
            spent = [
                now - then for now, then in zip(map(probes.processor_seconds, pids), before, strict=True)
            ]
            bystander.stop()
        lasted = (datetime.now(UTC) - began).total_seconds()
        others = (busy - sum(spent) - seen["own_processor_seconds"]) / lasted
        ends_at = seen["began_at"] + seconds
        live = [milliseconds for at, milliseconds in bystander.printed() if seen["began_at"] <= at <= ends_at]
        return cls(capacity, seconds, activations, began, seen, live, spent[0], others)

    def outcome(self, registrations: Mapping[str, float]) -> Outcome:
        """`registrations` are those that the flood has left: each was hashed for, answered or not."""
        seen = self.seen
        registered_ms = [milliseconds for _, milliseconds in seen["registered"]]
        refused_ms = [milliseconds for _, milliseconds in seen["refused"]]
        in_time = self._in_time(seen["registered"]) + self._in_time(seen["activated"])
        served = in_time / (self.capacity * self.seconds)
        for_nobody = {email: at for email, at in registrations.items() if email in seen["hung_up"]}
        under_way_seconds = HASHES_UNDER_WAY * (os.cpu_count() or 1) / self.capacity
        too_late = sum(at > seen["hung_up"][email] + under_way_seconds for email, at in for_nobody.items())
        at_once = len(seen["activated_at_once"])
        figures = {
            "capacity_hashes_per_second": self.capacity,
            "registrations_offered_per_second": TIMES * self.capacity,
            "activations_offered_per_second": self.activations / self.seconds,
            "registered": len(seen["registered"]),
            "refused": len(seen["refused"]),
            "hung_up": len(seen["hung_up"]),
            "served_share_of_capacity": served,
            "activated": len(seen["activated"]),
            "activations_offered": self.activations,
            "activated_at_once": at_once,
            "hashes": len(registrations) + len(seen["activated"]),
            "answers_that_took_a_hash": len(seen["registered"]) + len(seen["activated"]),
            "hashes_under_way_when_their_caller_hung_up": len(for_nobody) - too_late,
            "hashes_for_callers_who_had_hung_up": too_late,
            **_milliseconds("register", registered_ms),
            **_milliseconds("refused", refused_ms),
            **_milliseconds("activate", [milliseconds for _, milliseconds in seen["activated"]]),
            **_milliseconds("activate_at_once", [each for _, each in seen["activated_at_once"]]),
            **_milliseconds("live", self.live_ms),
            "service_processor_seconds": self.service_seconds,
            "load_generator_processor_seconds": seen["own_processor_seconds"],
            "others_share_of_a_processor": self.others_share,
        }
        refused_p95, live_p99 = percentile(refused_ms, 95), percentile(self.live_ms, 99)
        activated = (
            f"{len(seen['activated'])} of {self.activations}, {at_once} of {len(seen['registered'])} at once"
        )
        aims = [
            Aim("at least 90 % of the capacity is served", f"{served:.1%}", served >= 0.9),
            Aim("95 % of the refusals within 100 ms", f"{short(refused_p95)} ms", refused_p95 <= 100),
            Aim("99 % of GET /health/live within 50 ms", f"{short(live_p99)} ms", live_p99 < 50),
            Aim(
                "every activation succeeds",
                activated,
                len(seen["activated"]) == self.activations and at_once == len(seen["registered"]),
            ),
            Aim("no hash for who had hung up", f"{too_late} of {len(seen['hung_up'])}", too_late == 0),
            Aim("no other failure", str(sum(seen["failures"].values())), not seen["failures"]),
        ]
        return Outcome(figures, seen["failures"], aims)

    def _in_time(self, answers: Sequence[tuple[float, float]]) -> int:
        return sum(at <= self.seen["began_at"] + self.seconds for at, _ in answers)


def _register(stage: Stage, service: Service, provider: Provider, seconds: float) -> tuple[Program, Any]:
    """In a closed loop, with enough callers that no processor is ever free."""
    callers = CALLERS_PER_PROCESSOR * (os.cpu_count() or 1)
    return _load(stage, service, provider, "capacity", seconds, "--callers", callers)


def _load(
    stage: Stage, service: Service, provider: Provider, load: str, seconds: float, *options: object
) -> tuple[Program, Any]:
    ports = ("--port", service.port, "--feed-port", provider.feed_port)
    with stage.running("bench.arrivals", load, *ports, "--seconds", seconds, *options) as program:
        return program, program.result(seconds + PATIENCE_SECONDS)


def _per_second(times: Sequence[float]) -> float:
    if len(times) < 2:
        raise Broken("Hardly anybody could register: there is no capacity to multiply.")
    return (len(times) - 1) / (max(times) - min(times))


def _registrations(database_url: str, began: datetime) -> dict[str, float]:
    """Addresses that have been registered since then, and when in seconds since 1970."""
    with contextlib.closing(probes.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT email, registered_at FROM accounts WHERE registered_at > %s",
            (began.replace(tzinfo=None),),
        )
        return {email: at.replace(tzinfo=UTC).timestamp() for email, at in cursor.fetchall()}


def _milliseconds(name: str, values: Sequence[float]) -> dict[str, float]:
    return {f"{name}_{which}_ms": value for which, value in percentiles(values).items()}
