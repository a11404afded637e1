"""Running the load generator against a service on the stage."""

from typing import Any

from bench.dialects import OURS, Dialect
from bench.stage import Provider, Service, Stage

PATIENCE_SECONDS = 120


def make_journeys(
    stage: Stage,
    service: Service,
    provider: Provider,
    callers: int,
    seconds: float,
    *,
    each_a_client: bool = False,
    dialect: Dialect = OURS,
) -> Any:
    """Return what the load generator saw, `bench.load.Seen` as JSON."""
    flags = ["--each-a-client"] if each_a_client else []
    options = ["--callers", callers, "--dialect", dialect.name, *flags]
    return _run(stage, "journeys", service, provider, seconds, *options)


def make_registrations(
    stage: Stage, service: Service, provider: Provider, rate: float, seconds: float
) -> Any:
    """Likewise."""
    return _run(stage, "registrations", service, provider, seconds, "--rate", rate)


def _run(
    stage: Stage, load: str, service: Service, provider: Provider, seconds: float, *options: object
) -> Any:
    ports = ("--port", service.port, "--feed-port", provider.feed_port)
    with stage.running("bench.load", load, *ports, "--seconds", seconds, *options) as program:
        return program.result(seconds + PATIENCE_SECONDS)
