"""What the mail provider's stand-in tells of the mails that reach it, line by line, to whoever is connected."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Self

from tools.addresses import LOOPBACK

GREETING = b"ready\n"
"""Once it has come, no mail is missed."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail's request as it reached the provider; times are `time.monotonic()`, which all processes here share."""

    at: float
    email: str
    code: str

    @property
    def line(self) -> bytes:
        return f"{self.at!r} {self.email} {self.code}\n".encode()

    @classmethod
    def parse(cls, line: bytes) -> Self:
        at, email, code = line.decode().split()
        return cls(float(at), email, code)


class Feed:
    """For the load generator: hands each arrival to whoever expects it."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._expected: dict[str, asyncio.Future[Arrival]] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int) -> AsyncIterator[Self]:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        assert await reader.readline() == GREETING
        feed = cls(reader)
        handing_out = asyncio.create_task(feed._hand_out())
        try:
            yield feed
        finally:
            handing_out.cancel()
            writer.close()

    def expect(self, email: str) -> asyncio.Future[Arrival]:
        self._expected[email] = asyncio.get_running_loop().create_future()
        return self._expected[email]

    def forget(self, email: str) -> None:
        self._expected.pop(email, None)

    async def _hand_out(self) -> None:
        while line := await self._reader.readline():
            arrival = Arrival.parse(line)
            expected = self._expected.pop(arrival.email, None)
            if expected is not None and not expected.done():
                expected.set_result(arrival)


@contextmanager
def listening(port: int, patience_seconds: float) -> Iterator[Iterator[Arrival]]:
    """For who only counts: the arrivals, until none has come for so long."""
    with socket.create_connection((LOOPBACK, port), patience_seconds) as connection:
        lines = connection.makefile("rb")
        assert lines.readline() == GREETING
        yield _until_silence(lines)


def _until_silence(lines: Iterable[bytes]) -> Iterator[Arrival]:
    with suppress(TimeoutError):
        for line in lines:
            yield Arrival.parse(line)
