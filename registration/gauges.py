from collections.abc import Sequence

from registration.adapters.mysql.database import Database
from registration.courier.breaker import Breaker
from registration.courier.route import Route
from registration.hashing.gate import HashingGate
from registration.observability import metrics


def show_gauges(gate: HashingGate, database: Database, routes: Sequence[Route]) -> None:
    """Have the metrics that are states, not counts, read from these whenever somebody asks for metrics."""
    metrics.HASHES_RUNNING.set_function(lambda: gate.running)
    metrics.HASHES_WAITING.labels("urgent").set_function(lambda: gate.waiting(urgent=True))
    metrics.HASHES_WAITING.labels("others").set_function(lambda: gate.waiting(urgent=False))
    metrics.DATABASE_CONNECTIONS.labels("used").set_function(lambda: database.usage.used)
    metrics.DATABASE_CONNECTIONS.labels("idle").set_function(lambda: database.usage.idle)
    metrics.DATABASE_CONNECTIONS_LIMIT.set_function(lambda: database.usage.limit)
    metrics.DATABASE_WAITING.set_function(lambda: database.usage.waiting)
    for route in routes:
        _show_breaker(route.provider.name, route.breaker)


def _show_breaker(provider: str, breaker: Breaker) -> None:
    metrics.MAIL_BREAKER_OPEN.labels(provider).set_function(lambda: breaker.is_open)
