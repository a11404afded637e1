"""Requests that no HTTP library writes, byte for byte: each is served or refused as the contract says."""

import asyncio
import json
from base64 import b64encode

import httpx2
import pytest

from tests.end_to_end.client import PASSWORD, problem, somebody
from tests.end_to_end.service import Service
from tools.addresses import LOOPBACK

MARK = b"xyzzy"
HOST = b"Host: registration.test\r\nConnection: close\r\n"
JSON = b"Content-Type: application/json\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\n" + HOST
LOOK = b"GET /v1/users/me HTTP/1.1\r\n" + HOST
REGISTER = b"POST /v1/users HTTP/1.1\r\n" + HOST


def good() -> bytes:
    """The body of a registration that is accepted."""
    return json.dumps({"email": somebody().email, "password": PASSWORD}).encode()


def sized(head: bytes, body: bytes) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(head: bytes, body: bytes) -> bytes:
    pieces = [body[start : start + 64] for start in range(0, len(body), 64)]
    chunks = b"".join(b"%x;note=1\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks


def basic(credentials: bytes) -> bytes:
    return LOOK + b"Authorization: Basic " + b64encode(credentials) + b"\r\n\r\n"


async def answer(service: Service, request: bytes) -> httpx2.Response:
    """The last answer to it, after which the server closes."""
    reader, writer = await asyncio.open_connection(LOOPBACK, service.port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            said = await reader.read()
    finally:
        writer.close()
    _, _, final = said.rpartition(b"HTTP/1.1 ")
    head, _, body = final.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    headers = [line.split(": ", 1) for line in lines]
    return httpx2.Response(int(status[:3]), headers=[(name, value) for name, value in headers], content=body)


SERVED = {
    "in chunks": (chunked(REGISTER + JSON, good()), 202),
    "by HTTP/1.0, which knows no host": (sized(b"POST /v1/users HTTP/1.0\r\n" + JSON, good()), 202),
    "after leave to go on": (sized(REGISTER + JSON + b"Expect: 100-continue\r\n", good()), 202),
    "with another charset, which JSON does not have": (
        sized(REGISTER + b"Content-Type: Application/JSON;charset=UTF-16\r\n", good()),
        202,
    ),
    "with a language that is none": (
        sized(
            REGISTER + JSON + b"Accept-Language: de;q=" + b"9" * 5000 + b",\xff;q=nan,*;q=1e999\r\n", good()
        ),
        202,
    ),
    "forwarded by nobody": (sized(REGISTER + JSON + b"X-Forwarded-For: ,::%0\xff,\r\n", good()), 202),
    "with unknown members that are not Unicode": (
        sized(REGISTER + JSON, good()[:-1] + rb', "\ud800": "\udfff\ud800", "x": 1e999}'),
        202,
    ),
    "with a member twice, of which the last counts": (
        sized(REGISTER + JSON, b'{"email": 7, ' + good()[1:]),
        202,
    ),
    "in absolute form": (b"GET http://registration.test/health/live HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "in an encoded path": (b"GET /health/%6Cive HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "with an upgrade that is not offered": (
        b"GET /health/live HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
        200,
    ),
    "for a part of a page": (
        b"GET /docs/docs.js HTTP/1.1\r\n" + HOST + b"Range: bytes=9-1, xyzzy\r\n\r\n",
        200,
    ),
}


@pytest.mark.parametrize("request_bytes, status", SERVED.values(), ids=SERVED)
async def test_what_is_only_unusual_is_served(service: Service, request_bytes: bytes, status: int) -> None:
    response = await answer(service, request_bytes)

    assert response.status_code == status
    assert response.headers["x-request-id"]


REFUSED = {
    "nested to the last byte": (sized(REGISTER + JSON, b"[" * 16 * 1024), 400, "malformed-json"),
    "a surrogate in UTF-8": (
        sized(REGISTER + JSON, b'{"email": "xyzzy\xed\xa0\x80"}'),
        400,
        "malformed-json",
    ),
    "a zero byte": (sized(REGISTER + JSON, b'{"email": "xyzzy\0"}'), 400, "malformed-json"),
    "chunks of nothing": (chunked(REGISTER + JSON, b""), 400, "malformed-json"),
    "too many chunks": (chunked(REGISTER + JSON, b" " * 17_000), 413, "payload-too-large"),
    "two media types": (
        sized(REGISTER + JSON[:-2] + b", text/xyzzy\r\n", good()),
        415,
        "unsupported-media-type",
    ),
    "a media type with bytes": (
        sized(REGISTER + b"Content-Type: application/json\xff\r\n", good()),
        415,
        "unsupported-media-type",
    ),
    "credentials in Latin-1": (
        basic("ann@example.org:xyzzy\xe9".encode("latin-1")),
        401,
        "invalid-credentials",
    ),
    "credentials with a zero byte": (basic(b"ann@example.org:xyzzy\0"), 401, "invalid-credentials"),
    "long credentials": (basic(b"ann@example.org:" + MARK * 2300), 401, "invalid-credentials"),
    "a long request id": (LOOK + b"X-Request-ID: " + MARK * 3000 + b"\r\n\r\n", 401, "invalid-credentials"),
    "a slash at the end": (b"GET /v1/users/me/ HTTP/1.1\r\n" + HOST + b"\r\n", 404, "not-found"),
    "a slash at the beginning": (b"GET //v1/users/me HTTP/1.1\r\n" + HOST + b"\r\n", 404, "not-found"),
    "a path that is not Unicode": (
        b"GET /problems/xyzzy%ff%00 HTTP/1.1\r\n" + HOST + b"\r\n",
        404,
        "not-found",
    ),
    "a path out of the folder": (b"GET /docs/%2e%2e/app.py HTTP/1.1\r\n" + HOST + b"\r\n", 404, "not-found"),
    "no path": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404, "not-found"),
    "an unusual method": (b"PROPFIND /v1/users HTTP/1.1\r\n" + HOST + b"\r\n", 405, "method-not-allowed"),
}


@pytest.mark.parametrize("request_bytes, status, code", REFUSED.values(), ids=REFUSED)
async def test_what_is_wrong_is_its_problem_and_none_of_it_is_echoed(
    service: Service, request_bytes: bytes, status: int, code: str
) -> None:
    response = await answer(service, request_bytes)

    problem(response, status, code)
    assert MARK.decode() not in f"{response.headers.multi_items()} {response.text}"


NO_HTTP = {
    "a zero byte in a header": LIVE + b"X: xyzzy\0\r\n\r\n",
    "a header without a colon": LIVE + b"xyzzy\r\n\r\n",
    "a header whose name has a space": LIVE + b"xy zzy: 1\r\n\r\n",
    "a path with bytes": b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method in small letters": b"get /health/live HTTP/1.1\r\n" + HOST + b"\r\n",
    "a negative length": REGISTER + JSON + b"Content-Length: -1\r\n\r\n",
    "a length beyond all": REGISTER + JSON + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(190),
}


@pytest.mark.parametrize("request_bytes", NO_HTTP.values(), ids=NO_HTTP)
async def test_what_is_no_http_is_refused_without_a_document(service: Service, request_bytes: bytes) -> None:
    response = await answer(service, request_bytes)

    assert response.status_code == 400
    assert MARK.decode() not in response.text
