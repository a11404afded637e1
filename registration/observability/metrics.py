"""Every metric that there is; docs/metrics.md explains them. Labels have few values, and none that a caller made up."""

import functools
from collections.abc import Iterable
from datetime import timedelta

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from registration.ports import Backlog

OTHER = "other"
NO_STATUS = "none"

REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
HASH_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 2)
ATTEMPT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
"""To the time limit of an attempt."""

ACCEPTANCE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""To the end of a mail's life."""

ACTIVATION_BUCKETS = (1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 120, 300, 600)
"""To the end of the longest life of a code that can be set."""

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each; the process's start says enough


class SometimesGauge(Collector):
    """A gauge without a sample while its value is not known: an old one would be worse than none."""

    def __init__(self, name: str, documentation: str, registry: CollectorRegistry) -> None:
        self.value: float | None = None
        self._name = name
        self._documentation = documentation
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(self._name, self._documentation)]

    def collect(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(self._name, self._documentation, value=self.value)]


REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

# --- requests, commands and queries ----------------------------------------------------------------------------------

REQUESTS = Counter(
    "registration_requests_total", "Requests that ended.", ["method", "route", "status"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "registration_request_seconds",
    "Time from a request's head to the end of its answer.",
    ["route"],
    buckets=REQUEST_BUCKETS,
    registry=REGISTRY,
)
MESSAGES = Counter(
    "registration_messages_total",
    "Commands and queries that were handled, by how they ended.",
    ["message", "outcome"],
    registry=REGISTRY,
)
MESSAGE_SECONDS = Histogram(
    "registration_message_seconds",
    "Time to handle a command or query.",
    ["message"],
    buckets=REQUEST_BUCKETS,
    registry=REGISTRY,
)

# --- hashing ---------------------------------------------------------------------------------------------------------

HASHES_RUNNING = Gauge(
    "registration_hashes_running", "Password hashes being computed now.", registry=REGISTRY
)
HASHES_WAITING = Gauge(
    "registration_hashes_waiting", "Password hashes that wait for a thread.", ["queue"], registry=REGISTRY
)
HASHES_REFUSED = Counter(
    "registration_hashes_refused_total",
    "Requests refused because a hash would have had to wait too long.",
    registry=REGISTRY,
)
HASHES_ABANDONED = Counter(
    "registration_hashes_abandoned_total",
    "Hashes not computed because their caller hung up before their turn.",
    registry=REGISTRY,
)
HASH_SECONDS = Histogram(
    "registration_hash_seconds",
    "Time in a hashing thread, without waiting for it.",
    buckets=HASH_BUCKETS,
    registry=REGISTRY,
)

# --- the database ----------------------------------------------------------------------------------------------------

DATABASE_UP = Gauge(
    "registration_database_up",
    "Whether the database answered within a second, 1 or 0, asked at most every five seconds.",
    registry=REGISTRY,
)
DATABASE_CONNECTIONS = Gauge(
    "registration_database_connections", "Open connections of the pool.", ["state"], registry=REGISTRY
)
DATABASE_CONNECTIONS_LIMIT = Gauge(
    "registration_database_connections_limit", "The most connections that the pool opens.", registry=REGISTRY
)
DATABASE_WAITING = Gauge(
    "registration_database_waiting",
    "Pieces of work that wait until a connection of the pool is free.",
    registry=REGISTRY,
)
DATABASE_RETRIES = Counter(
    "registration_database_retries_total",
    "Times that work on the database failed and was to be begun again.",
    ["reason"],
    registry=REGISTRY,
)
DATABASE_CONFLICTS = DATABASE_RETRIES.labels("conflict")
DATABASE_OUTAGES = DATABASE_RETRIES.labels("outage")
DATABASE_UNAVAILABLE = Counter(
    "registration_database_unavailable_total",
    "Pieces of work given up because the database did not answer in time, or would not have us.",
    registry=REGISTRY,
)
PURGE_OVERDUE_SECONDS = SometimesGauge(
    "registration_purge_overdue_seconds",
    "How long the oldest registration or mail has been past its retention, 0 if none is.",
    REGISTRY,
)

# --- mails -----------------------------------------------------------------------------------------------------------

MAIL_ATTEMPTS = Counter(
    "registration_mail_attempts_total",
    "Attempts to hand a mail to a provider, by what it made of it.",
    ["provider", "kind", "outcome"],
    registry=REGISTRY,
)
MAIL_ATTEMPT_SECONDS = Histogram(
    "registration_mail_attempt_seconds",
    "Time that an attempt took.",
    ["provider"],
    buckets=ATTEMPT_BUCKETS,
    registry=REGISTRY,
)
MAIL_BREAKER_OPEN = Gauge(
    "registration_mail_breaker_open",
    "Whether mails are kept from the provider but for probes, 1 or 0.",
    ["provider"],
    registry=REGISTRY,
)
MAILS_SETTLED = Counter(
    "registration_mails_settled_total",
    "Mails that the courier was done with, by what became of them.",
    ["outcome"],
    registry=REGISTRY,
)
MAILS_ACCEPTED = MAILS_SETTLED.labels("accepted")
MAILS_FAILED = MAILS_SETTLED.labels("failed")
MAILS_DROPPED = MAILS_SETTLED.labels("dropped")
MAIL_ACCEPTANCE_SECONDS = Histogram(
    "registration_mail_acceptance_seconds",
    "Time from a mail's creation to its acceptance by a provider.",
    buckets=ACCEPTANCE_BUCKETS,
    registry=REGISTRY,
)
OUTBOX_MAILS = SometimesGauge(
    "registration_outbox_mails", "Mails that are to be sent, of all replicas.", REGISTRY
)
OUTBOX_OLDEST_SECONDS = SometimesGauge(
    "registration_outbox_oldest_seconds",
    "Age of the oldest mail that is to be sent, 0 if there is none.",
    REGISTRY,
)

# --- how far people get ----------------------------------------------------------------------------------------------

REGISTERED = Counter(
    "registration_registered_total",
    "Registrations made of addresses without a user, those that replaced a pending one included.",
    registry=REGISTRY,
)
TAKEN_ADDRESSES = Counter(
    "registration_taken_addresses_total",
    "Registrations and requests for a code that ended in a notice to the address's user.",
    registry=REGISTRY,
)
CODES_ISSUED = Counter(
    "registration_codes_issued_total",
    "Codes made, the first one of each registration included.",
    registry=REGISTRY,
)
MAILED = Counter("registration_mailed_total", "Codes whose mail a provider accepted.", registry=REGISTRY)
ACTIVATED = Counter("registration_activated_total", "Registrations that became a user.", registry=REGISTRY)
ACTIVATION_SECONDS = Histogram(
    "registration_activation_seconds",
    "Time from the acceptance of a code's mail to the activation with that code.",
    buckets=ACTIVATION_BUCKETS,
    registry=REGISTRY,
)
EXPIRED_UNUSED = Counter(
    "registration_expired_unused_total",
    "Registrations that were still pending when their first code could work no more.",
    registry=REGISTRY,
)
ERASED = Counter(
    "registration_erased_total",
    "Users and pending registrations erased on their own demand.",
    registry=REGISTRY,
)


def count_request(method: str | None, route: str | None, status: int | None, seconds: float) -> None:
    """Count a request; None for a method or route that is none of ours, and for a status that was never sent."""
    requests, request_seconds = _of_request(method, route, status)
    requests.inc()
    request_seconds.observe(seconds)


@functools.cache  # a look-up by labels takes ten times as long
def _of_request(method: str | None, route: str | None, status: int | None) -> tuple[Counter, Histogram]:
    route = route or OTHER
    counter = REQUESTS.labels(method or OTHER, route, NO_STATUS if status is None else str(status))
    return counter, REQUEST_SECONDS.labels(route)


def show_backlog(backlog: Backlog | None) -> None:
    """Show what was just read; None if the database did not answer."""
    DATABASE_UP.set(backlog is not None)
    OUTBOX_MAILS.value = None if backlog is None else backlog.mails
    OUTBOX_OLDEST_SECONDS.value = None if backlog is None else backlog.oldest_age.total_seconds()


def show_overdue(overdue: timedelta | None) -> None:
    """Likewise."""
    PURGE_OVERDUE_SECONDS.value = None if overdue is None else overdue.total_seconds()


def exposition(accept: str) -> tuple[bytes, str]:
    """All metrics in the form that the Accept header asks for, and its content type."""
    encode, content_type = choose_encoder(accept)
    return encode(REGISTRY), content_type
