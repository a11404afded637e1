"""The line between one service and the mail provider: what goes over it is written down, and it can be cut."""

import asyncio
import contextlib
import json
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from tools.addresses import LOOPBACK, free_port

LONGEST_HEAD_BYTES = 2**16

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CODE = re.compile(r"^[0-9]{4}$", re.MULTILINE)


class EndedBy(StrEnum):
    """Who ended an exchange."""

    ANSWER = "answer"
    PROVIDER = "provider"
    """The connection was cut without an answer."""
    SERVICE = "service"
    """It waited no longer, or died."""
    LINE = "line"
    """We cut it."""


@dataclass(slots=True)
class Exchange:
    """One attempt to hand in a mail: as long as it lasts, the mail is on the wire. Times are those of the wall clock."""

    service: str
    mail_id: str
    address: str
    code: str | None
    began_at: float
    ended_at: float | None = None
    ended_by: EndedBy | None = None
    status: int | None = None

    def __str__(self) -> str:
        began = datetime.fromtimestamp(self.began_at, UTC).strftime("%H:%M:%S.%f")
        lasted = f"{self.ended_at - self.began_at:.3f} s" if self.ended_at else "no end yet"
        return f"{self.service} at {began}, {lasted}, ended by {self.ended_by} {self.status or ''}".strip()

    @property
    def is_accepted(self) -> bool:
        """Whether the service was told that the provider has the mail."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 the class of status codes

    def end(self, ended_by: EndedBy, status: int | None = None) -> None:
        if self.ended_at is None:
            self.ended_at, self.ended_by, self.status = time.time(), ended_by, status


@dataclass
class ProviderLine:
    """Forwards requests to the provider's port, for the one service that is told of its URL."""

    service: str
    provider_port: int
    port: int = field(default_factory=free_port)
    exchanges: list[Exchange] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _connections: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def mend(self) -> None:
        """Open the line, for the first time or again."""
        self._server = await asyncio.start_server(
            self._serve, LOOPBACK, self.port, limit=LONGEST_HEAD_BYTES, backlog=1000
        )

    async def cut(self) -> None:
        """Cut every connection and refuse new ones."""
        if self._server:
            self._server.close()
            self._server = None
        for exchange in self.exchanges:
            exchange.end(EndedBy.LINE)
        for caller in self._connections.values():
            caller.transport.abort()
        await asyncio.gather(*self._connections)

    async def _serve(self, reader: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None  # noqa: S101 - for the type checker
        self._connections[connection] = caller
        try:
            # cancelled only when the whole trial is; the streams would say so for each connection
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                provider = await asyncio.open_connection(LOOPBACK, self.provider_port)
                with contextlib.closing(provider[1]):
                    while await self._exchange(reader, caller, *provider):
                        pass
        finally:
            del self._connections[connection]
            caller.transport.abort()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        caller: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        provider: asyncio.StreamWriter,
    ) -> bool:
        """Forward one request and its answer; whether the connection can serve another."""
        request = await _message(reader)
        exchange = self._note(request)
        provider.write(request)
        answer = asyncio.create_task(_message(answers))
        hung_up = asyncio.create_task(reader.read(1))
        await asyncio.wait({answer, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        if hung_up.done():  # also when an answer has come at the same time: there is nobody to hear it
            exchange.end(EndedBy.SERVICE)
        answer.cancel()
        hung_up.cancel()
        answered, _ = await asyncio.gather(answer, hung_up, return_exceptions=True)
        if isinstance(answered, BaseException) or exchange.ended_by:
            exchange.end(EndedBy.PROVIDER)
            return False
        exchange.end(EndedBy.ANSWER, int(answered.split(b" ", 2)[1]))
        caller.write(answered)
        await caller.drain()
        return True

    def _note(self, request: bytes) -> Exchange:
        mail = json.loads(request.partition(b"\r\n\r\n")[2])
        code = _CODE.search(mail["Text"].replace("\r\n", "\n"))
        exchange = Exchange(
            self.service,
            mail["Headers"]["X-Mail-ID"],
            mail["To"][0]["Email"],
            code and code[0],
            began_at=time.time(),
        )
        self.exchanges.append(exchange)
        return exchange


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read one HTTP message, whose length its head tells."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head + await reader.readexactly(int(length[1]) if length else 0)
