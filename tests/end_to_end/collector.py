"""Who is sent the traces: a server that takes OTLP over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.end_to_end.waiting import until
from tools.addresses import LOOPBACK, free_port

SERVER = trace_pb2.Span.SPAN_KIND_SERVER
CLIENT = trace_pb2.Span.SPAN_KIND_CLIENT


@dataclass(frozen=True, slots=True)
class Span:
    service: str
    trace_id: str
    id: str
    parent_id: str
    name: str
    kind: int
    attributes: dict[str, str | int | float]
    failed: bool


@dataclass
class Collector:
    """`hangs`: takes what it is sent, and never answers."""

    port: int = field(default_factory=free_port)
    hangs: bool = False
    spans: list[Span] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    """All of it, as it was sent and as text."""
    _closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def environment(self) -> dict[str, str]:
        """What has a service send its traces here, and soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{LOOPBACK}:{self.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "NO_PROXY": LOOPBACK,
        }

    def trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans if span.trace_id == trace_id]

    async def trace_of(self, request_id: str, *names: str) -> list[Span]:
        """The trace of a request, once it has spans of all these names, each as often as it is named."""

        async def probe() -> list[Span] | None:
            requests = [
                span for span in self.spans if span.attributes.get("registration.request_id") == request_id
            ]
            if not requests:
                return None
            trace = self.trace(requests[0].trace_id)
            there = [span.name for span in trace]
            return trace if all(there.count(name) >= names.count(name) for name in names) else None

        return await until(probe, f"a trace of {request_id} with {names}")

    def close(self) -> None:
        """Let go of who still waits for an answer."""
        self._closing.set()

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        message = ExportTraceServiceRequest.FromString(body)
        self.received += [body, str(message).encode()]
        if self.hangs:
            await self._closing.wait()
        self.spans += [
            _span(span, {each.key: each.value for each in resource.resource.attributes})
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return web.Response()


@asynccontextmanager
async def open_collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, collector.port).start()
    try:
        yield collector
    finally:
        collector.close()
        await runner.cleanup()


def _span(span: trace_pb2.Span, resource: dict[str, AnyValue]) -> Span:
    return Span(
        service=resource["service.name"].string_value,
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        kind=span.kind,
        attributes={each.key: _value(each.value) for each in span.attributes},
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
    )


def _value(value: AnyValue) -> str | int | float:
    kind = value.WhichOneof("value")
    assert kind in {"string_value", "int_value", "double_value", "bool_value"}, kind
    known: str | int | float = getattr(value, kind)
    return known
