from collections.abc import Sequence
from datetime import timedelta

from registration.admin.figures import ProcessState, ProviderFailure, ProviderState
from registration.courier.route import Route
from registration.hashing.gate import HashingGate
from registration.stopping import Stopping


def read_process_state(gate: HashingGate, routes: Sequence[Route], stopping: Stopping) -> ProcessState:
    """What the process knows of itself, and no metric tells."""
    since_refusal = gate.seconds_since_refusal
    return ProcessState(
        providers=[_provider_state(route) for route in routes],
        hash_threads=gate.threads,
        since_hash_refused=None if since_refusal is None else timedelta(seconds=since_refusal),
        is_stopping=stopping.has_begun,
    )


def _provider_state(route: Route) -> ProviderState:
    breaker = route.breaker
    return ProviderState(
        route.provider.name,
        is_down=breaker.looks_down,
        breaker_is_open=breaker.is_open,
        next_attempt_in=timedelta(seconds=breaker.seconds_until_ready()),
        last_failure=_last_failure(route),
    )


def _last_failure(route: Route) -> ProviderFailure | None:
    if route.last_failure is None:
        return None
    outcome, at = route.last_failure.outcome, route.last_failure.at
    return ProviderFailure(outcome.verdict, outcome.reason, timedelta(seconds=route.monotonic() - at))
