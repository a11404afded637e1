import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class _HeadTooLargeError(Exception):
    """The request line and headers are longer than any client of ours needs."""


class _HostUnclearError(Exception):
    """An HTTP/1.1 request has to name its host, once (RFC 9112, section 3.2)."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds: a request has its time to arrive, headers and body, and a head of limited size.

    uvicorn itself waits for the rest of a request for ever, and takes megabytes of headers.
    """

    arrival_seconds: ClassVar[float] = 10.0
    head_bytes: ClassVar[int] = 16 * 1024

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arrival: asyncio.TimerHandle | None = None
        self._is_in_head = True
        self._head_size = 0
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            self._head_size += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_size > self.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._expect_request()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if sum(len(name) + len(value) for name, value in self.headers) > self.head_bytes:
            raise _HeadTooLargeError

    def on_headers_complete(self) -> None:
        self._is_in_head, self._head_size = False, 0
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise _HostUnclearError
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_waiting()
        self._is_in_head = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._stop_waiting()
        super().send_400_response(msg)

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade is passed over in silence (RFC 9110, 7.8): anybody may ask for one, and two lines told of each."""

    def _expect_request(self) -> None:
        self._stop_waiting()
        self._arrival = self.loop.call_later(self.arrival_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _give_up(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Close, with a word of why if nothing has been answered yet."""
        cycle: Any = self.cycle
        if not self.transport.is_closing() and (cycle is None or cycle.response_complete):
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.transport.write(head.encode("ascii"))
        self.transport.close()
