import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog

from registration.observability.logs import configure_logging
from registration.observability.request_id import request_id_bound

SECRET = "canary-5ecret"
UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("", *UVICORN)]
    before = [(list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    structlog_before = structlog.get_config()
    told_of_a_line = ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing")
    told_before = {name: getattr(logging, name) for name in told_of_a_line}
    yield
    for name, value in told_before.items():
        setattr(logging, name, value)
    structlog.configure(**structlog_before)
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.level, logger.propagate = handlers, level, propagate
    logging.getLogger().setLevel(before[0][1])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_our_lines_and_the_standard_librarys_have_one_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "info")
    with request_id_bound("mine"):
        structlog.stdlib.get_logger("ours").info("something_happened", count=3)
        logging.getLogger("theirs").warning("something %s", "else")

    ours, theirs = lines(capsys)

    assert ours.pop("timestamp").endswith("Z")
    assert theirs.pop("timestamp").endswith("Z")
    assert ours == {
        "event": "something_happened",
        "count": 3,
        "level": "info",
        "logger": "ours",
        "request_id": "mine",
    }
    assert theirs == {
        "event": "something else",
        "level": "warning",
        "logger": "theirs",
        "request_id": "mine",
    }


def test_lines_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "warning")
    structlog.stdlib.get_logger("ours").info("too quiet")
    logging.getLogger("theirs").info("too quiet")
    structlog.stdlib.get_logger("ours").warning("loud enough")

    assert [line["event"] for line in lines(capsys)] == ["loud enough"]


def test_uvicorns_lines_are_ours_and_its_access_log_is_off(capsys: pytest.CaptureFixture[str]) -> None:
    own = logging.StreamHandler()
    for name in UVICORN:
        logging.getLogger(name).addHandler(own)
        logging.getLogger(name).propagate = False
    configure_logging("json", "info")

    logging.getLogger("uvicorn.error").info("Started", extra={"color_message": "\x1b[1mStarted"})
    logging.getLogger("uvicorn.access").info("GET /secret")

    (line,) = lines(capsys)
    assert line["event"] == "Started"
    assert "color_message" not in line
    assert not logging.getLogger("uvicorn.access").hasHandlers()


def test_configuring_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "info")
    configure_logging("json", "info")
    logging.getLogger("theirs").info("once")

    assert len(lines(capsys)) == 1


@pytest.mark.parametrize("form", ["json", "console"])
def test_where_standard_error_is_closed_nothing_is_written_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], form: Literal["json", "console"]
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    configure_logging(form, "info")
    logging.getLogger("theirs").error("unheard")

    assert capfd.readouterr().err == ""


def test_where_a_line_was_written_is_not_looked_for(caplog: pytest.LogCaptureFixture) -> None:
    """It would take as long as the rest of the line."""
    configure_logging("json", "info")
    logging.getLogger().addHandler(caplog.handler)
    structlog.stdlib.get_logger("ours").warning("quick")

    (record,) = caplog.records
    assert (record.lineno, record.thread, record.process) == (0, None, None)


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variables(
    capsys: pytest.CaptureFixture[str], form: Literal["json", "console"]
) -> None:
    configure_logging(form, "debug")
    fail_with_a_secret()

    captured = capsys.readouterr().err
    assert "ZeroDivisionError" in captured
    assert "fail_with_a_secret" in captured
    assert SECRET not in captured


def fail_with_a_secret() -> None:
    password = SECRET
    try:
        len(password) / (len(password) - len(SECRET))
    except ZeroDivisionError:
        structlog.stdlib.get_logger("ours").exception("failed")
