"""A second server, in the process and on the loop of the first."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator

import structlog
import uvicorn
from starlette.types import ASGIApp

STOP_SECONDS = 0.5
"""For an answer that is being made; whoever asked can ask the next process."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class CannotListen(Exception):
    """The address is taken, not ours, or none; the message is the system's."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that callers can connect to from now on. Raises CannotListen."""
    try:
        host.encode("idna")  # as Python does it later, and then leaves the socket open if it cannot
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        # Python adds the address to the system's words; what the resolver says has a number below 0.
        number = error.errno or 0
        raise CannotListen(os.strerror(number) if number > 0 else "no such host") from error
    except UnicodeError as error:
        raise CannotListen("no such host") from error


@contextlib.asynccontextmanager
async def serve(app: ASGIApp, host: str, port: int) -> AsyncIterator[None]:
    """Serve within the block. Raises CannotListen."""
    server = _Server(
        uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False
        )
    )
    serving = asyncio.create_task(_serve(server, listen(host, port)), name="admin")
    log.info("admin_listening", host=host, port=port)
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait({serving}, timeout=STOP_SECONDS)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    # In this task's own context: uvicorn says of both servers alike that they start and stop.
    structlog.contextvars.bind_contextvars(server="admin")
    await server.serve([listener])


class _Server(uvicorn.Server):
    """Leaves the signals to the server of the public port, which ends the process and this one with it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
