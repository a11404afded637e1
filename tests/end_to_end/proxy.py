"""A proxy between the service and its database that loses statements, or their answers, on request."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import urlsplit, urlunsplit

from tools.addresses import LOOPBACK

COM_QUERY = b"\x03"
HEADER_BYTES = 4


class Loss(Enum):
    """What is lost of a statement; the connection is cut either way."""

    STATEMENT = auto()
    ANSWER = auto()


@dataclass
class _Order:
    statement: re.Pattern[str]
    loss: Loss
    times: int


class DatabaseProxy:
    """Passes everything on but what it has orders to lose."""

    def __init__(self, database_url: str) -> None:
        self._parts = urlsplit(database_url)
        self._orders: list[_Order] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self.lost = 0
        """How many statements or answers have been lost since the last order."""

    @property
    def url(self) -> str:
        """The database's URL by way of this proxy."""
        user, _, _ = self._parts.netloc.rpartition("@")
        return urlunsplit(self._parts._replace(netloc=f"{user}@{LOOPBACK}:{self._port}"))

    def lose(self, loss: Loss, statement: str, *, times: int = 1_000_000) -> None:
        """Lose so many of the statements that the pattern fits as a whole."""
        self._orders.append(_Order(re.compile(statement, re.DOTALL), loss, times))
        self.lost = 0

    def lose_nothing(self) -> None:
        self._orders.clear()

    async def listen(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Cut all connections and accept no more: to the service the database is down."""
        if self._server:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        writers = [to_client]
        try:
            server, to_server = await asyncio.open_connection(self._parts.hostname, self._parts.port)
            writers.append(to_server)
            answers = asyncio.create_task(_pass_on(server, to_client))
            try:
                await self._pass_statements_on(client, to_server, server, answers)
            finally:
                answers.cancel()
                await asyncio.gather(answers, return_exceptions=True)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            for writer in writers:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _pass_statements_on(
        self,
        client: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        answers: asyncio.Task[None],
    ) -> None:
        """Until the client hangs up, or something is lost."""
        while True:
            header = await client.readexactly(HEADER_BYTES)
            payload = await client.readexactly(int.from_bytes(header[:3], "little"))
            loss = self._loss_of(payload)
            if loss is Loss.STATEMENT:
                return
            if loss is Loss.ANSWER:
                answers.cancel()
                await asyncio.gather(answers, return_exceptions=True)
                to_server.write(header + payload)
                await server.read(1)  # the server has carried it out when it answers
                return
            to_server.write(header + payload)
            await to_server.drain()

    def _loss_of(self, payload: bytes) -> Loss | None:
        if payload[:1] != COM_QUERY:
            return None
        statement = payload[1:].decode("utf-8", "replace").strip()
        for order in self._orders:
            if order.times and order.statement.fullmatch(statement):
                order.times -= 1
                self.lost += 1
                return order.loss
        return None


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(64 * 1024):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def open_proxy(database_url: str) -> AsyncIterator[DatabaseProxy]:
    proxy = DatabaseProxy(database_url)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.refuse()
