"""Somebody on the way who passes everything on, and writes down what the database is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from registration.adapters.mysql.server import Server
from tools.addresses import LOOPBACK


@dataclass
class Wiretap:
    server: Server
    """Where it is, for one who takes it for the database."""
    told: bytearray = field(default_factory=bytearray)


@contextlib.asynccontextmanager
async def wiretap(server: Server) -> AsyncIterator[Wiretap]:
    """One that is there until the block ends."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(server.host, server.port)

        async def listen() -> None:
            while data := await reader.read(64 * 1024):
                tap.told += data
                to_server.write(data)
            to_server.close()

        async def answer() -> None:
            while data := await from_server.read(64 * 1024):
                writer.write(data)
            writer.close()

        with contextlib.suppress(ConnectionError):
            await asyncio.gather(listen(), answer())

    listening = await asyncio.start_server(meet, LOOPBACK, 0)
    tap = Wiretap(replace(server, host=LOOPBACK, port=listening.sockets[0].getsockname()[1]))
    async with listening:
        yield tap
