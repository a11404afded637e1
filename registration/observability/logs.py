import io
import logging
import sys
from typing import Literal

import structlog
from structlog.types import Processor

from registration.observability.log_sink import LogSink

_FOR_EVERY_LINE: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logging(format: Literal["json", "console"], level: str) -> None:  # noqa: A002 - as the setting is called
    """Write all logs to standard error in one form: ours, the standard library's, uvicorn's.

    uvicorn's access log is off, because each request has a line of ours. Tracebacks come without local variables,
    for those hold passwords. May be called again.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_FOR_EVERY_LINE,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    _leave_out_what_no_line_has()
    handler = _handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_FOR_EVERY_LINE,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(format)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    _take_over_uvicorn()


def _handler() -> logging.Handler:
    if sys.stderr is None:  # closed before Python began: the descriptor is by now something else's
        return logging.NullHandler()
    try:
        return LogSink(sys.stderr.fileno())
    except io.UnsupportedOperation:  # replaced by something in memory
        return logging.StreamHandler(sys.stderr)


def _leave_out_what_no_line_has() -> None:
    """Where a line was written, by whom: finding that out is half of what a line costs (see Python's Logging HOWTO)."""
    logging._srcfile = None  # noqa: SLF001 - the documented way
    logging.logThreads = False
    logging.logProcesses = False
    logging.logMultiprocessing = False


def _renderers(format: Literal["json", "console"]) -> list[Processor]:  # noqa: A002 - likewise
    if format == "console":
        # The default formatter shows local variables wherever `rich` is installed.
        return [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr is not None and sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _take_over_uvicorn() -> None:
    """Undo what uvicorn's own command has configured before it loads the application."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    access = logging.getLogger("uvicorn.access")
    access.handlers = []
    access.propagate = False
