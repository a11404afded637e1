"""What happens to a request and to its mail, as spans, where somebody is to be sent them; else a span is nothing.

Only `open_telemetry` knows what sends them, and is imported only where it does.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, Self

Kind = Literal["server", "internal", "client"]
Value = str | int | float | bool

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""The variables of OpenTelemetry that say where to; one of them switches tracing on."""


class Span(Protocol):
    """A piece of work, in a `with`. No secret, no address and nothing that a caller made up goes into it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """An error that is no refusal marks it as failed, by the error's type and never by its text."""

    def set(self, name: str, value: Value) -> None: ...
    def rename(self, name: str) -> None: ...

    def fail(self, why: str) -> None:
        """Mark it as failed; `why` is a word."""


class Tracer(Protocol):
    def begin(self, name: str, kind: Kind, trace_parent: str | None) -> Span: ...
    def span(self, name: str, kind: Kind, attributes: Mapping[str, Value] | None) -> Span: ...
    def trace_parent(self) -> str | None: ...


class _NoSpan:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...
    def set(self, name: str, value: Value) -> None: ...
    def rename(self, name: str) -> None: ...
    def fail(self, why: str) -> None: ...


NO_SPAN: Span = _NoSpan()


class _NoTracer:
    def begin(self, *_: object) -> Span:
        return NO_SPAN

    def span(self, *_: object) -> Span:
        return NO_SPAN

    def trace_parent(self) -> str | None:
        return None


@dataclass(slots=True)
class _Process:
    """What all of the process shares."""

    tracer: Tracer


_process = _Process(_NoTracer())


def begin(name: str, kind: Kind, trace_parent: str | None) -> Span:
    """Go on with a trace of which that is known (W3C Trace Context); begin another if nothing is, or it is malformed."""
    return _process.tracer.begin(name, kind, trace_parent)


def span(name: str, kind: Kind = "internal", attributes: Mapping[str, Value] | None = None) -> Span:
    """A part of the work that is going on; nothing if that is not traced, as what the process does of its own accord."""
    return _process.tracer.span(name, kind, attributes)


def trace_parent() -> str | None:
    """What another process needs to know to go on with this trace; None where there is none."""
    return _process.tracer.trace_parent()


@contextmanager
def tracing() -> Iterator[None]:
    """Trace within the block, if the environment says where to. What is left is sent at its end, within some seconds."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        yield
        return
    from registration.observability.open_telemetry import exporting  # noqa: PLC0415 - 0.13 s and 7 MB

    with exporting() as tracer:
        before, _process.tracer = _process.tracer, tracer
        try:
            yield
        finally:
            _process.tracer = before
