"""Somebody on the way who answers in a database's place, and writes down what it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from registration.adapters.mysql.server import Server
from tools.addresses import LOOPBACK

PASSWORD = "for-the-database-only"

PROTOCOL_41, TLS, SECURE_CONNECTION, PLUGIN_AUTH = 0x200, 0x800, 0x8000, 0x80000
SALT = b"salt of twenty bytes"


def greeting(*, plugin: str = "mysql_native_password", tls: bool = False) -> bytes:
    """What a server says first."""
    flags = PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | (TLS if tls else 0)
    return packet(
        b"\x0a5.5.5-10.11.0-MariaDB\0"
        + (1).to_bytes(4, "little")
        + SALT[:8]
        + b"\0"
        + (flags & 0xFFFF).to_bytes(2, "little")
        + b"\x2d\x02\x00"
        + (flags >> 16).to_bytes(2, "little")
        + bytes([21])
        + bytes(10)
        + SALT[8:]
        + b"\0"
        + plugin.encode()
        + b"\0",
        number=0,
    )


def ask_for(plugin: str) -> bytes:
    """What a server says that wants the password proven in another way."""
    return packet(b"\xfe" + plugin.encode() + b"\0" + SALT + b"\0", number=2)


def error(number: int, state: str, *, after: int) -> bytes:
    """What a server says that will not, `after` so many packets."""
    return packet(
        b"\xff" + number.to_bytes(2, "little") + f"#{state}A word of the server".encode(), after and after + 1
    )


def packet(payload: bytes, number: int) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


@dataclass
class Impostor:
    """Says its lines, each after the first when it has been told something."""

    lines: tuple[bytes, ...]
    told: bytearray = field(default_factory=bytearray)
    """Complete when the impostor has gone."""
    port: int = 0
    _callers: list[asyncio.Task[None]] = field(default_factory=list)

    def server(self, ssl_ca: object = None) -> Server:
        """Where it is, for one who takes it for the database."""
        authority = None if ssl_ca is None else str(ssl_ca)
        return Server(LOOPBACK, self.port, "registration", PASSWORD, "registration", authority)

    def url(self, query: str = "") -> str:
        return f"mysql://registration:{PASSWORD}@{LOOPBACK}:{self.port}/registration{query}"

    def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers.append(asyncio.create_task(self._talk(reader, writer)))

    async def has_been_left(self) -> None:
        """Until everybody has hung up."""
        async with asyncio.timeout(5):
            await asyncio.gather(*self._callers)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for line in self.lines:
                writer.write(line)
                self.told += await reader.read(64 * 1024)
            while data := await reader.read(64 * 1024):
                self.told += data
        writer.close()


@contextlib.asynccontextmanager
async def impostor(*lines: bytes) -> AsyncIterator[Impostor]:
    """One that is there until the block has ended and everybody has hung up."""
    one = Impostor(lines)
    server = await asyncio.start_server(one.meet, LOOPBACK, 0)
    one.port = server.sockets[0].getsockname()[1]
    async with server:
        yield one
        await one.has_been_left()
