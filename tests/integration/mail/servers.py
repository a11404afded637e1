"""Providers on loopback that misbehave on the wire, below what an HTTP server would do by itself."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def provider(behave: Behave, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The URL of a server that treats each connection so, and closes it then."""
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        connections.add(task)
        try:
            await behave(reader, writer)
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        server.close()
        for connection in list(connections):
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """The whole request: its head and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    return head + await reader.readexactly(length)


def answering(data: bytes, *, then: Behave | None = None) -> Behave:
    """Read everything, write these bytes, and close; or go on in another way."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(data)
        await writer.drain()
        if then:
            await then(reader, writer)

    return behave


async def close_at_once(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Hang up without reading."""


async def stall(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Do nothing more until the test is over."""
    await asyncio.get_running_loop().create_future()


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Have the system answer with RST: a close that lingers for no time."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write a byte at a time for ever: no pause is long enough for a limit on pauses."""
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
