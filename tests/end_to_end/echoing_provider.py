"""A mail provider that takes no mail, and repeats what it was sent in every place that an answer has."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tools.addresses import LOOPBACK

JSON = b"Content-Type: application/json\r\n\r\n"
ANSWERS = (
    b"HTTP/1.1 500 No\r\nX-Reason: ECHO\r\n" + JSON + b'{"Error": "ECHO", "message": "ECHO"}',
    b"HTTP/1.1 503 ECHO\r\nContent-Type: text/plain; x=ECHO\r\nSet-Cookie: a=ECHO\r\n\r\nECHO",
    b"HTTP/1.1 429 Later\r\nRetry-After: ECHO\r\n" + JSON + b'{"Error": ["ECHO"], "ID": "ECHO"',
    b"HTTP/1.1 500 No\r\nContent-Length: ECHO\r\n\r\nECHO",
    b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nECHO",
    b"HTTP/1.1 500 No\r\nX-Reason: \0ECHO\r\n\r\n",
    b"HTTP/1.1 ECHO\r\n\r\n",
    b"ECHO\r\n\r\n",
    b"HTTP/1.1 400 Bad\r\n" + JSON + b'{"Error": "invalid To address: ECHO"}',
    b"HTTP/1.1 302 Found\r\nLocation: http://ECHO/\r\n\r\n",
)


@dataclass
class EchoingProvider:
    """Answers when it has been asked as often as it has answers: after some of them it would be left alone."""

    url: str = ""
    codes: list[str] = field(default_factory=list)
    """The code of each mail that it was handed, as often as it was."""
    everybody_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        assert length
        mail = json.loads(await reader.readexactly(int(length[1])))
        (code,) = re.findall(r"^\d+$", mail["Text"], re.MULTILINE)
        answer = ANSWERS[len(self.codes) % len(ANSWERS)]
        self.codes.append(code)
        if len(self.codes) == len(ANSWERS):
            self.everybody_asked.set()
        await self.everybody_asked.wait()
        writer.write(answer.replace(b"ECHO", code.encode()))
        writer.close()


@asynccontextmanager
async def open_echoing_provider() -> AsyncIterator[EchoingProvider]:
    provider = EchoingProvider()
    server = await asyncio.start_server(provider.answer, LOOPBACK, 0)
    provider.url = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield provider
