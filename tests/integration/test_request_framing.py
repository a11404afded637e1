"""Requests whose end two readers could see in different places are refused, or a proxy in front could be led astray."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from registration.cli.http_protocol import BoundedHttpProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: registration.test\r\n"

AMBIGUOUS = {
    "a length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a length with a sign": HEAD + b"Content-Length: +5\r\n\r\nhello",
    "a coding that nobody knows": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a chunk without a size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "a space before the colon": HEAD + b"Content-Length : 5\r\n\r\nhello",
    "a header on two lines": HEAD + b"Content-Length:\r\n 5\r\n\r\nhello",
    "line ends without a carriage return": b"POST / HTTP/1.1\nHost: registration.test\n\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


async def app(
    _: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[..., Awaitable[None]]
) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(
        app, port=0, http=BoundedHttpProtocol, lifespan="off", log_config=None, server_header=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by nothing else
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def answers(port: int, request: bytes) -> bytes:
    """All that the server says before it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("request_bytes", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_a_request_that_can_be_read_in_two_ways_is_refused_and_ends_the_connection(
    port: int, request_bytes: bytes
) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: registration.test\r\nConnection: close\r\n\r\n"

    said = await answers(port, request_bytes + smuggled)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    ids=["a length", "chunks"],
)
async def test_a_request_that_can_be_read_in_one_way_is_answered(port: int, body: bytes) -> None:
    said = await answers(port, HEAD + b"Connection: close\r\n" + body)

    assert said.startswith(b"HTTP/1.1 204 ")
