"""Where log lines go to, which may be read slowly, or not at all any more."""

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from registration.observability import log_sink
from registration.observability.log_sink import LogSink

MORE_THAN_A_PIPE_TAKES = 2000
SOON = 30.0


class Pipe:
    """A sink into a pipe, and its other end."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self._received = b""
        os.set_blocking(self._reading, False)
        self.sink = LogSink(self._writing)
        self.sink.setFormatter(structlog.stdlib.ProcessorFormatter(structlog.processors.JSONRenderer()))

    def log(self, text: str) -> None:
        self.sink.handle(logging.LogRecord("test", logging.INFO, "", 0, text, (), None))

    def read(self) -> list[dict[str, Any]]:
        """All lines that have ended since the last time, but for those that are cut off."""
        while piece := self.piece():
            self._received += piece
        *lines, self._received = self._received.split(b"\n")
        return [json.loads(line) for line in lines if line.endswith(b"}")]

    def stop_reading(self) -> None:
        os.close(self._reading)
        self._reading = -1

    def close(self) -> None:
        for descriptor in {self._reading, self._writing} - {-1}:
            os.close(descriptor)

    def piece(self) -> bytes:
        try:
            return os.read(self._reading, 1024 * 1024)
        except BlockingIOError:
            return b""


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    """It is all that is logged to, and is waited for only where a test says so."""
    monkeypatch.setattr(log_sink, "PATIENCE_SECONDS", 0.0)
    pipe = Pipe()
    root = logging.getLogger()
    before, level = root.handlers, root.level
    root.handlers = [pipe.sink]
    root.setLevel(logging.INFO)
    structlog_before = structlog.get_config()
    structlog.configure(
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    yield pipe
    structlog.configure(**structlog_before)
    root.handlers = before
    root.setLevel(level)
    pipe.close()


def ends(work: Callable[[], None]) -> bool:
    """Whether it comes to an end at all."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SOON)
    return not thread.is_alive()


def log_more_than_it_takes(pipe: Pipe) -> None:
    for number in range(MORE_THAN_A_PIPE_TAKES):
        pipe.log(f"{number} {'x' * 100}")


def test_lines_arrive_as_they_are(pipe: Pipe) -> None:
    pipe.log("one")
    pipe.log("zwei: ü")
    pipe.log("lone: \udcff")

    assert [line["event"] for line in pipe.read()] == ["one", "zwei: ü", "lone: \udcff"]


def test_nobody_waits_for_who_does_not_read(pipe: Pipe) -> None:
    assert ends(lambda: log_more_than_it_takes(pipe))


def test_how_many_lines_were_lost_is_said_once_lines_are_taken_again(pipe: Pipe) -> None:
    assert ends(lambda: log_more_than_it_takes(pipe))
    taken = pipe.read()
    pipe.log("again")
    pipe.log("and again")

    assert 0 < len(taken) < MORE_THAN_A_PIPE_TAKES
    told, *others = pipe.read()
    assert told == {"event": "log_lines_lost", "lines": MORE_THAN_A_PIPE_TAKES - len(taken)}
    assert [line["event"] for line in others] == ["again", "and again"]


def test_a_line_that_is_cut_off_spoils_no_other(pipe: Pipe) -> None:
    pipe.log("first")
    assert ends(lambda: pipe.log("x" * 1024 * 1024))
    assert [line["event"] for line in pipe.read()] == ["first"]
    pipe.log("next")

    assert [line["event"] for line in pipe.read()] == ["log_lines_lost", "next"]


def test_a_line_that_is_longer_than_a_pipe_arrives_whole_where_it_is_read(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = b""
    ready = pipe.sink._poll

    class ReadWhileItWaits:
        def poll(self, milliseconds: float) -> list[tuple[int, int]]:
            nonlocal received
            if milliseconds:
                received += pipe.piece()
            return ready.poll(0)

    monkeypatch.setattr(log_sink, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(log_sink, "PATIENT_EVERY_SECONDS", 0.0)
    pipe.sink._poll = ReadWhileItWaits()  # type: ignore[assignment]  # only this is asked of it
    pipe.log("x" * 1024 * 1024)

    assert json.loads(received + pipe.piece()) == {"event": "x" * 1024 * 1024}


def test_it_is_waited_for_once_a_minute_at_most(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    class NeverReady:
        def poll(self, milliseconds: float) -> list[object]:
            waits.append(milliseconds)
            return []

    now = 1000.0
    monkeypatch.setattr(log_sink, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr("time.monotonic", lambda: now)
    pipe.sink._poll = NeverReady()  # type: ignore[assignment]  # only this is asked of it
    for now in (1000.0, 1001.0, 1059.0, 1060.0, 1061.0):  # noqa: B007 - the clock reads it
        pipe.log("lost")

    assert [wait for wait in waits if wait] == [200.0, 200.0]


def test_that_nobody_is_there_to_read_is_no_error(pipe: Pipe, capfd: pytest.CaptureFixture[str]) -> None:
    pipe.stop_reading()
    pipe.log("one")
    pipe.log("two")

    assert capfd.readouterr().err == ""
