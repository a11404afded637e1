"""Slow and greedy senders against a real uvicorn."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from registration.cli.http_protocol import BoundedHttpProtocol


class Impatient(BoundedHttpProtocol):
    arrival_seconds = 0.2


async def app(
    _: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[..., Awaitable[None]]
) -> None:
    """Answer with the number of bytes that the body has; say nothing to who hangs up."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, http=Impatient, lifespan="off", log_config=None, server_header=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by nothing else
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


class Sender:
    """A client that says what it wants when it wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> bytes:
        """All that is answered before the server closes."""
        async with asyncio.timeout(5):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


@pytest.fixture
async def sender(port: int) -> AsyncIterator[Sender]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield Sender(reader, writer)
    writer.close()


async def test_a_request_that_arrives_in_time_is_answered(sender: Sender) -> None:
    await sender.say(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nconnection: close\r\n\r\n")
    await sender.say(b"body")
    answer = await sender.answer()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"4")


async def test_two_requests_on_one_connection_are_answered(sender: Sender) -> None:
    await sender.say(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    await sender.reader.readuntil(b"\r\n\r\n0")
    await sender.say(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert (await sender.answer()).endswith(b"0")


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c"])
async def test_an_upgrade_is_passed_over_without_a_word_in_the_log(
    sender: Sender, caplog: pytest.LogCaptureFixture, upgrade: bytes
) -> None:
    """Two lines of advice for us would be anybody's to have, as often as they like."""
    caplog.clear()
    await sender.say(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: " + upgrade + b"\r\n\r\n")
    await sender.reader.readuntil(b"\r\n\r\n0")
    assert caplog.messages == []


async def test_who_says_nothing_is_cut_off(sender: Sender) -> None:
    assert (await sender.answer()).startswith(b"HTTP/1.1 408")


async def test_headers_that_never_end_are_cut_off(sender: Sender) -> None:
    await sender.say(b"GET / HTTP/1.1\r\nhost: a\r\nx: ")
    assert (await sender.answer()).startswith(b"HTTP/1.1 408")


async def test_headers_that_trickle_are_cut_off_all_the_same(sender: Sender) -> None:
    await sender.say(b"GET / HTTP/1.1\r\n")

    async def trickle() -> None:
        while True:
            await sender.say(b"x: y\r\n")
            await asyncio.sleep(0.02)

    trickling = asyncio.create_task(trickle())
    assert (await sender.answer()).startswith(b"HTTP/1.1 408")
    trickling.cancel()
    await asyncio.gather(trickling, return_exceptions=True)


async def test_a_body_that_never_comes_is_cut_off(sender: Sender) -> None:
    await sender.say(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbo")
    assert b"200" not in await sender.answer()


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET / HTTP/1.1\r\nx: " + b"y" * 20_000, id="one that does not end"),
        pytest.param(b"GET / HTTP/1.1\r\nx: " + b"y" * 20_000 + b"\r\n\r\n", id="one that is long"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 10_000 + b"\r\n", id="very many"),
        pytest.param(b"GET /" + b"y" * 20_000, id="a request line"),
    ],
)
async def test_headers_past_the_limit_are_refused(sender: Sender, head: bytes) -> None:
    await sender.say(head)
    assert (await sender.answer())[:12] in {b"HTTP/1.1 431", b"HTTP/1.1 400"}


async def test_no_answer_names_the_server(sender: Sender) -> None:
    await sender.say(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    assert b"server:" not in (await sender.answer()).lower()


@pytest.mark.parametrize(
    "head, status",
    [
        (b"GET / HTTP/1.1\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", b"200"),
        (b"GET / HTTP/1.0\r\n", b"200"),
    ],
)
async def test_a_request_names_its_host_once(sender: Sender, head: bytes, status: bytes) -> None:
    await sender.say(head + b"Connection: close\r\n\r\n")
    assert (await sender.answer()).split()[1] == status
