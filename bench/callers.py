"""Running the load generator against a service on the stage."""

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from bench.dialects import OURS, Dialect
from bench.stage import Program, Provider, Service, Stage

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


def make_journeys_at_each(
    stage: Stage, services: Sequence[Service], provider: Provider, callers: int, seconds: float
) -> Sequence[Any]:
    """Likewise by a load generator for each service, all at the same time; so many callers each."""
    with contextlib.ExitStack() as stack:
        programs = [
            stack.enter_context(_running(stage, "journeys", service, provider, seconds, "--callers", callers))
            for service in services
        ]
        return [program.result(seconds + PATIENCE_SECONDS) for program in programs]


def make_registrations(
    stage: Stage, service: Service, provider: Provider, rate: float, seconds: float
) -> Any:
    """Likewise."""
    return _run(stage, "registrations", service, provider, seconds, "--rate", rate)


def _run(
    stage: Stage, load: str, service: Service, provider: Provider, seconds: float, *options: object
) -> Any:
    with _running(stage, load, service, provider, seconds, *options) as program:
        return program.result(seconds + PATIENCE_SECONDS)


def _running(
    stage: Stage, load: str, service: Service, provider: Provider, seconds: float, *options: object
) -> AbstractContextManager[Program]:
    ports = ("--port", service.port, "--feed-port", provider.feed_port)
    return stage.running("bench.load", load, *ports, "--seconds", seconds, *options)
