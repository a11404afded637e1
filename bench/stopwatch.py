import http.client
import json
import socket
import time
from base64 import b64encode

from bench.stage import Broken
from tools.addresses import LOOPBACK

PATIENCE_SECONDS = 30


class Stopwatch:
    """Somebody who sends one request at a time on a kept connection, and times each answer."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def time(self, request: bytes, wanted: int) -> float:
        """Return the milliseconds from sending to the whole answer. Raises Broken if its status is another."""
        began_at = time.perf_counter()
        self._socket.sendall(request)
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        body = response.read()
        milliseconds = (time.perf_counter() - began_at) * 1000
        if response.status != wanted:
            raise Broken(f"{request.split(b' HTTP', 1)[0].decode()}: {response.status} {body.decode()}")
        return milliseconds

    def close(self) -> None:
        self._socket.close()


def request(
    method: str, path: str, document: object = None, credentials: tuple[str, str] | None = None
) -> bytes:
    """The whole request, to be sent in one piece."""
    body = b"" if document is None else json.dumps(document).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {LOOPBACK}"]
    if credentials:
        lines.append(f"Authorization: Basic {b64encode(':'.join(credentials).encode()).decode()}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
