"""A mail provider that costs next to nothing: takes what Mailpit takes, and tells the feed.

`python -m bench.provider`, until it is told to end.
"""

import asyncio
import contextlib
import itertools
import json
import re
import time
from typing import cast

import click
import httptools
import uvloop

from bench.feed import GREETING, Arrival
from tools.addresses import LOOPBACK

_CODE = re.compile(r"^(\d{4,8}|[\w-]+\.[\w-]+\.[\w-]+)$", re.MULTILINE)
"""Alone on its line; that of some peers is a JWT."""

_ids = itertools.count(1)


class Provider:
    def __init__(self) -> None:
        self._listeners: set[asyncio.StreamWriter] = set()

    def take(self, mail: bytes, at: float) -> None:
        document = json.loads(mail)
        code = _CODE.search(document["Text"])
        arrival = Arrival(at, document["To"][0]["Email"], code[0] if code else "-")
        for listener in self._listeners:
            listener.write(arrival.line)

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell this listener of every mail until it goes."""
        self._listeners.add(writer)
        writer.write(GREETING)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        self._listeners.discard(writer)
        writer.close()


class Connection(asyncio.Protocol):
    """One of the service's connections; the `on_` methods are httptools'."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.WriteTransport | None = None
        self._body = bytearray()
        self._began_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none of asyncio's classes

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._began_at = time.monotonic()
        self._body.clear()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._provider.take(bytes(self._body), self._began_at)
        answer = b'{"ID":"%d"}' % next(_ids)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
            answer
        )
        assert self._transport is not None
        self._transport.write(head + answer)


async def serve(port: int, feed_port: int) -> None:
    provider = Provider()
    loop = asyncio.get_running_loop()
    feed = await asyncio.start_server(provider.listen, LOOPBACK, feed_port)
    mails = await loop.create_server(lambda: Connection(provider), LOOPBACK, port, backlog=1024)
    async with feed, mails:
        await mails.serve_forever()


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--feed-port", type=int, required=True)
def main(port: int, feed_port: int) -> None:
    """Stand in for the mail provider."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(port, feed_port))


if __name__ == "__main__":
    main()
