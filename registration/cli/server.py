import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Iterator
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

from registration.cli.http_protocol import BoundedHttpProtocol
from registration.stopping import Stopping

GRACEFUL_SECONDS = 3

ASK_TO_STOP = (signal.SIGINT, signal.SIGTERM)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Server(uvicorn.Server):
    """uvicorn's server, which says at once that it stops, and for which a stop that was asked for is a success."""

    def __init__(self, app: ASGIApp, stopping: Stopping, lifeline: int | None = None) -> None:
        """`lifeline`: the end of a pipe that nobody writes to; when its other end is gone, it is time to stop."""
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedHttpProtocol,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACEFUL_SECONDS,
            )
        )
        self._stopping = stopping
        self._lifeline = lifeline

    def has_served(self, listener: socket.socket) -> bool:
        """Answer whoever connects there, until told to stop. False if the application could not be opened."""
        with contextlib.suppress(SystemExit):  # uvicorn's, at such a fault; it is in the log
            self.run([listener])
        return self.started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._lifeline is not None:
            asyncio.get_running_loop().add_reader(self._lifeline, self._end_with_parent, self._lifeline)
        await super().startup(sockets)
        gc.freeze()  # what is there by now stays: no need to look through it at every collection
        for listener in sockets or ():
            host, port, *_ = listener.getsockname()
            log.info("listening", host=host, port=port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.begin()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, but without raising the signal again at the end: that would be the exit status."""
        former = {number: signal.signal(number, self.handle_exit) for number in ASK_TO_STOP}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASK_TO_STOP)  # a worker is born deaf to them
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _end_with_parent(self, lifeline: int) -> None:
        asyncio.get_running_loop().remove_reader(lifeline)
        log.error("parent_lost")
        self.handle_exit(signal.SIGTERM, None)
