"""Spans by OpenTelemetry's SDK, which reads the variables OTEL_… itself and sends in a thread of its own."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from registration.observability.outcome import INTERNAL_ERROR, outcome_of
from registration.observability.tracing import NO_SPAN, Kind, Span, Value

FLUSH_SECONDS = 1.5
"""With the three of the server and the 4.5 of the courier, within the ten that a container has to stop in."""

QUIET_SECONDS = 60.0

_KINDS: Mapping[Kind, trace.SpanKind] = {
    "server": trace.SpanKind.SERVER,
    "internal": trace.SpanKind.INTERNAL,
    "client": trace.SpanKind.CLIENT,
}
_TALKATIVE = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
)
"""The loggers that speak up at every batch while the collector is away, and at every span while the queue is full."""

_READS_HEADERS = "opentelemetry.util.re"
_SENDS = "urllib3"

_LONGEST_TRACE_PARENT = 512
_propagator = TraceContextTextMapPropagator()


@contextmanager
def exporting() -> Iterator["OpenTelemetryTracer"]:
    """The tracer. A collector that is away costs some spans and some lines a minute, and nobody waits for it."""
    _keep_secrets()
    quiet = _OnceAMinute()
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(quiet.filter)
    # Not shut down by the SDK when Python exits: that would wait for half a minute.
    provider = TracerProvider(resource=resource(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield OpenTelemetryTracer(provider.get_tracer("registration"))
    finally:
        flushing = threading.Thread(target=provider.shutdown, name="flush-spans", daemon=True)
        flushing.start()
        flushing.join(FLUSH_SECONDS)
        for name in _TALKATIVE:
            logging.getLogger(name).removeFilter(quiet.filter)


def _keep_secrets() -> None:
    """The endpoint and the headers may hold a key, and the libraries' lines quote both.

    For good: what could not be sent by the end is tried again, and told of, for as long as the process lives.
    """
    logging.getLogger(_READS_HEADERS).addFilter(_hide)
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_name_errors)
    logging.getLogger(_SENDS).setLevel(
        logging.WARNING
    )  # at debug level it tells of every batch, and where it went


def resource() -> Resource:
    """Who sends: `registration`, unless the environment has another name for it."""
    return Resource.create({SERVICE_NAME: "registration", **OTELResourceDetector().detect().attributes})


class OpenTelemetryTracer:
    """A Tracer."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def begin(self, name: str, kind: Kind, trace_parent: str | None) -> Span:
        return _RecordedSpan(self._start(name, kind, None, _context_of(trace_parent)))

    def span(self, name: str, kind: Kind, attributes: Mapping[str, Value] | None) -> Span:
        if not trace.get_current_span().get_span_context().trace_flags.sampled:
            return NO_SPAN
        return _RecordedSpan(self._start(name, kind, attributes, None))

    def trace_parent(self) -> str | None:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier.get("traceparent")

    def _start(
        self,
        name: str,
        kind: Kind,
        attributes: Mapping[str, Value] | None,
        parent: context.Context | None,
    ) -> trace.Span:
        return self._tracer.start_span(
            name,
            parent,
            _KINDS[kind],
            attributes,
            # The text of an error may quote what a caller sent.
            record_exception=False,
            set_status_on_exception=False,
        )


class _RecordedSpan:
    __slots__ = ("_failed", "_span", "_token")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._failed = False

    def __enter__(self) -> Self:
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        context.detach(self._token)
        if error is not None and not self._failed and outcome_of(error) == INTERNAL_ERROR:
            self.fail(type(error).__name__)
        self._span.end()

    def set(self, name: str, value: Value) -> None:
        self._span.set_attribute(name, value)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, why: str) -> None:
        self._failed = True
        self._span.set_attribute("error.type", why)
        self._span.set_status(trace.StatusCode.ERROR)


def _context_of(trace_parent: str | None) -> context.Context:
    """Without what goes on here. What is too long is let go of here, for the propagator would warn of it in the log."""
    if trace_parent is None or len(trace_parent) > _LONGEST_TRACE_PARENT:
        return context.Context()
    return _propagator.extract({"traceparent": trace_parent}, context.Context())


def _hide(record: logging.LogRecord) -> bool:
    record.args = ("(not shown)",)
    return True


def _name_errors(record: logging.LogRecord) -> bool:
    """By the first and the last of their types, as in `ConnectionError (ConnectionRefusedError)`."""
    if isinstance(record.args, tuple):
        record.args = tuple(_types(arg) if isinstance(arg, BaseException) else arg for arg in record.args)
    return True


def _types(error: BaseException) -> str:
    cause = error
    while further := cause.__cause__ or cause.__context__:
        cause = further
    return type(error).__name__ if cause is error else f"{type(error).__name__} ({type(cause).__name__})"


class _OnceAMinute:
    """Lets each kind of line through once, and again after a minute."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now < self._until.get(record.msg, 0.0):
            return False
        self._until[record.msg] = now + QUIET_SECONDS
        return True
