"""What a span is made of; what a whole trace is, `tests/end_to_end/test_traces.py` looks at."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from registration.domain.errors import AlreadyActive
from registration.observability import tracing
from registration.observability.open_telemetry import OpenTelemetryTracer, exporting, resource
from tests.private_database import ROOT
from tools.addresses import LOOPBACK, free_port

SECRET = "canary-5ecret"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Recorder:
    """A tracer, and what it has recorded."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = OpenTelemetryTracer(provider.get_tracer("test"))

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def trace_of(span: ReadableSpan) -> str:
    return f"{context_of(span).trace_id:032x}"


def test_a_part_is_a_child_of_what_it_is_part_of(recorder: Recorder) -> None:
    with (
        recorder.tracer.begin("whole", "server", None),
        recorder.tracer.span("part", "client", {"number": 1}),
    ):
        pass

    part, whole = recorder.spans
    assert part.parent == context_of(whole)
    assert whole.parent is None
    assert dict(part.attributes or {}) == {"number": 1}


def test_a_part_of_nothing_is_nothing(recorder: Recorder) -> None:
    with recorder.tracer.span("part", "client", None) as span:
        span.set("number", 1)

    assert span is tracing.NO_SPAN
    assert recorder.spans == ()


def test_what_is_not_sampled_records_nothing_and_says_so_to_who_goes_on(recorder: Recorder) -> None:
    with recorder.tracer.begin("whole", "server", f"00-{TRACE}-{PARENT}-00"):
        going_on = recorder.tracer.trace_parent()
        with recorder.tracer.span("part", "client", None):
            pass

    assert recorder.spans == ()
    assert going_on is not None
    assert (going_on[:36], going_on[-3:]) == (f"00-{TRACE}-", "-00")


def test_what_goes_on_elsewhere_is_of_one_trace(recorder: Recorder) -> None:
    with recorder.tracer.begin("here", "server", f"00-{TRACE}-{PARENT}-01"):
        going_on = recorder.tracer.trace_parent()
    assert recorder.tracer.trace_parent() is None
    with recorder.tracer.begin("there", "internal", going_on):
        pass

    here, there = recorder.spans
    assert (trace_of(here), trace_of(there)) == (TRACE, TRACE)
    assert there.parent is not None
    assert there.parent.span_id == context_of(here).span_id


@pytest.mark.parametrize(
    "trace_parent",
    [
        None,
        "",
        SECRET,
        "00-" + "0" * 32 + f"-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
        f"ff-{TRACE}-{PARENT}-01",
        f"01-{TRACE}-{PARENT}-01-" + "x" * 1000,
    ],
)
def test_a_trace_that_is_not_to_be_understood_is_not_gone_on_with_nor_talked_about(
    recorder: Recorder, trace_parent: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    with recorder.tracer.begin("outer", "server", None), recorder.tracer.begin("own", "server", trace_parent):
        pass

    own, outer = recorder.spans
    assert own.parent is None
    assert trace_of(own) not in {TRACE, trace_of(outer)}
    assert caplog.records == []


def test_an_error_is_told_by_its_type_and_not_by_its_text(recorder: Recorder) -> None:
    with pytest.raises(KeyError), recorder.tracer.begin("failing", "server", None):
        raise KeyError(SECRET)

    (span,) = recorder.spans
    assert not span.status.is_ok
    assert dict(span.attributes or {}) == {"error.type": "KeyError"}
    assert SECRET not in span.to_json()


def test_who_knows_better_what_failed_says_so(recorder: Recorder) -> None:
    span = recorder.tracer.begin("failing", "server", None)
    span.fail("1213")
    with pytest.raises(KeyError), span:
        raise KeyError(SECRET)

    assert dict(recorder.spans[0].attributes or {}) == {"error.type": "1213"}


def test_a_refusal_is_no_failure(recorder: Recorder) -> None:
    with pytest.raises(AlreadyActive), recorder.tracer.begin("refusing", "server", None):
        raise AlreadyActive

    assert recorder.spans[0].status.is_unset


class TestTheNameOfTheService:
    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
            monkeypatch.delenv(name, raising=False)

    def test_is_registration(self) -> None:
        assert resource().attributes["service.name"] == "registration"

    @pytest.mark.parametrize(
        "variable, value",
        [("OTEL_SERVICE_NAME", "mine"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=mine,a=b")],
    )
    def test_is_what_the_environment_says(
        self, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, value)
        assert resource().attributes["service.name"] == "mine"


class TestOff:
    @pytest.fixture(autouse=True)
    def nowhere_to_send_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in tracing.ENDPOINTS:
            monkeypatch.setenv(name, "")

    def test_a_span_is_nothing(self) -> None:
        with tracing.tracing(), tracing.begin("whole", "server", None) as whole, tracing.span("part") as part:
            assert whole is tracing.NO_SPAN
            assert part is tracing.NO_SPAN
            assert tracing.trace_parent() is None

    def test_nothing_that_sends_spans_is_imported(self) -> None:
        """FastAPI imports OpenTelemetry's interface, which does nothing by itself."""
        imported = loaded_by(
            "import registration.main, registration.cli.serve\n"
            "from registration.observability.tracing import tracing\n"
            "with tracing(): pass"
        )
        senders = {"opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.proto", "google", "requests"}
        assert "registration.bootstrap" in imported
        assert {name for name in imported if name.startswith(tuple(senders))} == set()

    def test_nothing_of_ours_imports_opentelemetry(self) -> None:
        imported = loaded_by(
            "import registration.observability.tracing, registration.observability.message_traces\n"
            "import registration.adapters.mysql.unit_of_work, registration.adapters.mysql.outbox\n"
            "import registration.courier.courier, registration.hashing.gate"
        )
        assert "registration.courier.route" in imported
        assert {name for name in imported if name.startswith("opentelemetry")} == set()


def loaded_by(program: str) -> set[str]:
    """The modules that a process has loaded in the end."""
    ran = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(ran.stdout.split())


class TestTheExportersWords:
    @pytest.fixture
    def quiet(self) -> Iterator[None]:
        with exporting():
            yield

    @pytest.mark.usefixtures("quiet")
    def test_are_let_through_once_of_each_kind(self, caplog: pytest.LogCaptureFixture) -> None:
        logger = logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        for number in range(100):
            logger.warning("Transient error %s", number)
            logger.error("Failed to export %s batch", number)

        assert [record.getMessage() for record in caplog.records] == [
            "Transient error 0",
            "Failed to export 0 batch",
        ]


class NoCollector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None: ...


class TestWhatTheExporterQuotes:
    @pytest.fixture
    def port(self) -> Iterator[int]:
        with HTTPServer((LOOPBACK, 0), NoCollector) as server:
            serving = threading.Thread(target=server.serve_forever, args=(0.01,))
            serving.start()
            yield server.server_port
            server.shutdown()
            serving.join()

    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        for name in os.environ:
            if name.startswith("OTEL_"):
                monkeypatch.delenv(name)
        caplog.set_level(logging.DEBUG)

    @pytest.mark.parametrize(
        "variable, value, told",
        [
            ("HEADERS", SECRET, "Header format invalid"),
            ("HEADERS", f"api-key=%0a%09{SECRET}%0a{SECRET}", "InvalidHeader"),
            ("ENDPOINT", f"http://{LOOPBACK}:{{port}}/?key={SECRET}", "code: 404"),
            ("ENDPOINT", f"{LOOPBACK}:{{port}}?key={SECRET}", "InvalidSchema"),
        ],
    )
    def test_is_told_without_it(
        self,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        port: int,
        variable: str,
        value: str,
        told: str,
    ) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{LOOPBACK}:{port}")
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{variable}", value.format(port=port))
        with exporting() as tracer, tracer.begin("whole", "server", None):
            pass

        assert told in caplog.text
        assert SECRET not in caplog.text

    def test_is_told_by_its_cause(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{LOOPBACK}:{free_port()}/?key={SECRET}")
        with exporting() as tracer, tracer.begin("whole", "server", None):
            pass

        assert "ConnectionError (ConnectionRefusedError)" in caplog.text
        assert SECRET not in caplog.text

    def test_is_told_without_it_also_by_what_goes_on_after_the_end(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, port: int
    ) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{LOOPBACK}:{port}")
        with exporting():
            pass
        exporter = logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        exporter.warning("Transient error %s", ConnectionError(SECRET))

        assert caplog.messages == ["Transient error ConnectionError"]
