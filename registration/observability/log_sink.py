import logging
import os
import select
import time

import structlog

PATIENCE_SECONDS = 0.2
PATIENT_EVERY_SECONDS = 60.0

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class LogSink(logging.Handler):
    """Writes lines to a descriptor, and is not held up by who should read them: else every request would wait for it.

    What is not taken within a fifth of a second, which is waited for once a minute at most, is lost. How many lines that
    were is said when lines are taken again. That nobody is there to read is no error, and no reason to stop.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._patient_again_at = 0.0
        self._lost = 0
        self._is_within_line = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._lost and self._takes():
            lost, self._lost = self._lost, 0
            log.warning("log_lines_lost", lines=lost)  # comes back here
            if self._lost:
                self._lost = lost
        if self._lost:
            self._lost += 1
            return
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - as all handlers of the standard library do
            self.handleError(record)
            return
        if not self._write(line):
            self._lost = 1

    def _write(self, line: str) -> bool:
        begin = "\n" if self._is_within_line else ""
        data = f"{begin}{line}\n".encode(errors="backslashreplace")
        try:
            while data:
                if not self._takes():
                    return False
                written = os.write(self._descriptor, data[: select.PIPE_BUF])
                self._is_within_line = data[written - 1] != ord("\n")
                data = data[written:]
        except OSError:
            return False
        return True

    def _takes(self) -> bool:
        """Whether it takes as much as `PIPE_BUF` without waiting."""
        if self._poll.poll(0):
            return True
        now = time.monotonic()
        if now < self._patient_again_at:
            return False
        self._patient_again_at = now + PATIENT_EVERY_SECONDS
        return bool(self._poll.poll(PATIENCE_SECONDS * 1000))
