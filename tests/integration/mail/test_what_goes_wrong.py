"""Everything that a network and a provider can do to a request, done by a real server on loopback."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from registration.adapters.mail.client import LONGEST_ANSWER_BYTES, HttpMailApi, TimeLimits
from registration.adapters.mail.mailpit import Mailpit
from registration.adapters.mail.session import open_session
from registration.ports import Outcome, Verdict
from tests.integration.mail.certificates import self_signed
from tests.integration.mail.servers import (
    Behave,
    answering,
    close_at_once,
    provider,
    read_request,
    reset,
    stall,
    trickle,
    unused_port,
)
from tests.unit.mail.examples import MESSAGE, settings

QUICK = TimeLimits(connect_seconds=0.3, read_seconds=0.2, total_seconds=0.6)
IMPATIENT = TimeLimits(connect_seconds=5, read_seconds=5, total_seconds=0.2)

OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
OK_WHOLE = OK_HEAD + b'Content-Length: 12\r\n\r\n{"ID":"abc"}'

ACCEPTED = Outcome(Verdict.ACCEPTED, "accepted", "abc")
ACCEPTED_WITHOUT_ID = Outcome(Verdict.ACCEPTED, "accepted without an id")


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with open_session() as opened:
        yield opened


async def attempt(session: ClientSession, url: str, limits: TimeLimits | None = None) -> Outcome:
    return await HttpMailApi(session, Mailpit.from_settings(settings(api_url=url)), limits).send(MESSAGE)


async def test_a_good_answer_is_read(session: ClientSession) -> None:
    async with provider(answering(OK_WHOLE)) as url:
        assert await attempt(session, url) == ACCEPTED


@pytest.mark.parametrize(
    "behave, outcome",
    [
        pytest.param(answering(b""), Outcome(Verdict.UNKNOWN, "answer lost"), id="closes after reading all"),
        pytest.param(answering(b"", then=reset), Outcome(Verdict.UNKNOWN, "connection lost"), id="resets"),
        pytest.param(answering(OK_HEAD), Outcome(Verdict.UNKNOWN, "answer lost"), id="half the headers"),
        pytest.param(
            answering(b"220 mail.example.com ESMTP\r\n"),
            Outcome(Verdict.UNKNOWN, "answer is not HTTP"),
            id="speaks SMTP",
        ),
        pytest.param(
            answering(b"\x16\x03\x01\x00\xa5" * 20),
            Outcome(Verdict.UNKNOWN, "answer is not HTTP"),
            id="speaks TLS",
        ),
        pytest.param(
            answering(OK_HEAD + b"X-Long: " + b"x" * 100_000 + b"\r\n\r\n"),
            Outcome(Verdict.UNKNOWN, "answer is not HTTP"),
            id="header without end",
        ),
        pytest.param(
            answering(
                b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<h1>502</"
            ),
            Outcome(Verdict.UNKNOWN, "status 502"),
            id="a gateway's page",
        ),
        pytest.param(
            answering(b"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\nhalf"),
            Outcome(Verdict.PROVIDER_REFUSED, "status 401"),
            id="a refusal that is cut",
        ),
        pytest.param(
            answering(OK_HEAD + b'Content-Length: 12\r\n\r\n{"ID"'), ACCEPTED_WITHOUT_ID, id="success is cut"
        ),
        pytest.param(
            answering(OK_HEAD + b'Content-Length: 12\r\n\r\n{"ID"', then=reset),
            ACCEPTED_WITHOUT_ID,
            id="success is reset",
        ),
        pytest.param(
            answering(OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
            Outcome(Verdict.UNKNOWN, "answer is not HTTP"),
            id="bad chunks",
        ),
        pytest.param(
            answering(OK_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip"),
            ACCEPTED_WITHOUT_ID,
            id="not what it says it is",
        ),
        pytest.param(
            answering(OK_HEAD + b"Content-Length: 0\r\n\r\n"), ACCEPTED_WITHOUT_ID, id="success says nothing"
        ),
    ],
)
async def test_a_broken_answer_is_never_an_exception_and_errs_on_the_safe_side(
    session: ClientSession, behave: Behave, outcome: Outcome
) -> None:
    async with provider(behave) as url:
        assert await attempt(session, url) == outcome


async def test_who_hangs_up_without_reading_may_have_taken_the_mail(session: ClientSession) -> None:
    """A system that closes on unread bytes resets the connection: which of the two is seen first differs by Python."""
    async with provider(close_at_once) as url:
        outcome = await attempt(session, url)
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.reason in {"answer lost", "connection lost"}


@pytest.mark.parametrize(
    "behave, outcome",
    [
        pytest.param(stall, Outcome(Verdict.UNKNOWN, "no answer in time"), id="never reads"),
        pytest.param(
            answering(b"", then=stall), Outcome(Verdict.UNKNOWN, "no answer in time"), id="never answers"
        ),
        pytest.param(
            answering(b"HTTP/1.1 200", then=stall),
            Outcome(Verdict.UNKNOWN, "no answer in time"),
            id="half a status line",
        ),
        pytest.param(
            answering(b"HTTP/1.1 429 Slow Down\r\nContent-Length: 100\r\n\r\n", then=stall),
            Outcome(Verdict.RETRY, "status 429"),
            id="a refusal that stalls",
        ),
        pytest.param(
            answering(OK_HEAD + b'Content-Length: 12\r\n\r\n{"ID"', then=stall),
            ACCEPTED_WITHOUT_ID,
            id="success stalls",
        ),
        pytest.param(
            answering(OK_HEAD + b"Content-Length: 100000\r\n\r\n", then=trickle),
            ACCEPTED_WITHOUT_ID,
            id="success trickles",
        ),
    ],
)
async def test_an_answer_that_does_not_come_or_does_not_end_is_not_waited_for_for_ever(
    session: ClientSession, behave: Behave, outcome: Outcome
) -> None:
    async with provider(behave) as url:
        assert await attempt(session, url, QUICK) == outcome


async def test_a_refused_connection_is_safe_to_repeat(session: ClientSession) -> None:
    outcome = await attempt(session, f"http://127.0.0.1:{unused_port()}")

    assert outcome == Outcome(Verdict.RETRY, "connection refused")


async def test_an_unknown_host_is_safe_to_repeat(session: ClientSession) -> None:
    limits = TimeLimits(connect_seconds=20, total_seconds=30)
    outcome = await attempt(session, "http://no-such-host.invalid", limits)

    assert outcome == Outcome(Verdict.RETRY, "host name not found")


async def test_a_handshake_that_hangs_is_safe_to_repeat(session: ClientSession) -> None:
    async with provider(stall) as url:
        outcome = await attempt(session, url.replace("http:", "https:"), QUICK)

    assert outcome == Outcome(Verdict.RETRY, "no connection in time")


async def test_a_handshake_that_fails_is_safe_to_repeat(session: ClientSession) -> None:
    async with provider(answering_anything(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as url:
        outcome = await attempt(session, url.replace("http:", "https:"))

    assert outcome == Outcome(Verdict.RETRY, "TLS handshake failed")


async def test_a_certificate_that_is_not_trusted_needs_an_operator(
    session: ClientSession, tmp_path: Path
) -> None:
    async with provider(answering(OK_WHOLE), self_signed(tmp_path)) as url:
        outcome = await attempt(session, url)

    assert outcome == Outcome(Verdict.PROVIDER_REFUSED, "certificate not trusted")


async def test_out_of_time_before_anything_was_sent_is_safe_to_repeat(session: ClientSession) -> None:
    async with provider(stall) as url:
        outcome = await attempt(session, url.replace("http:", "https:"), IMPATIENT)

    assert outcome == Outcome(Verdict.RETRY, "out of time")


async def test_out_of_time_after_something_was_sent_is_not(session: ClientSession) -> None:
    async with provider(answering(b"", then=stall)) as url:
        outcome = await attempt(session, url, IMPATIENT)

    assert outcome == Outcome(Verdict.UNKNOWN, "out of time")


async def test_out_of_time_is_doubtful_in_a_session_that_was_not_traced() -> None:
    async with ClientSession() as untraced, provider(stall) as url:
        outcome = await attempt(untraced, url.replace("http:", "https:"), IMPATIENT)

    assert outcome.verdict is Verdict.UNKNOWN


async def test_a_cancelled_attempt_is_cancelled(session: ClientSession) -> None:
    got_it = asyncio.Event()

    async def read_and_stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        got_it.set()
        await stall(reader, writer)

    async with provider(read_and_stall) as url:
        sending = asyncio.create_task(attempt(session, url, TimeLimits()))
        await got_it.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_a_connection_lost_between_two_mails_does_not_send_the_second_twice(
    session: ClientSession,
) -> None:
    requests: list[bytes] = []

    async def answer_one_and_hang_up_on_the_next(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        requests.append(await read_request(reader))
        writer.write(OK_WHOLE)
        requests.append(await read_request(reader))

    async with provider(answer_one_and_hang_up_on_the_next) as url:
        assert await attempt(session, url) == ACCEPTED
        assert await attempt(session, url) == Outcome(Verdict.UNKNOWN, "answer lost")

    assert len(requests) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(session: ClientSession, status: int) -> None:
    elsewhere: list[bytes] = []

    async def remember(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        elsewhere.append(await read_request(reader))

    async with provider(remember) as other:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {other}/api/v1/send\r\nContent-Length: 0\r\n\r\n"
        async with provider(answering(head.encode())) as url:
            outcome = await attempt(session, url)

    assert outcome == Outcome(Verdict.PROVIDER_REFUSED, f"status {status}")
    assert elsewhere == []


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
async def test_reads_no_more_than_an_answer_could_need(session: ClientSession, *, compressed: bool) -> None:
    written = 0

    async def send(request: web.Request) -> web.StreamResponse:
        nonlocal written
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        chunk = b'"' + b"x" * 1_000_000
        if compressed:
            chunk = gzip.compress(chunk)
            response.headers["Content-Encoding"] = "gzip"
        await response.prepare(request)
        while written < 1000 * LONGEST_ANSWER_BYTES:
            await response.write(chunk)
            written += len(chunk)
        return response

    app = web.Application()
    app.router.add_post("/api/v1/send", send)
    async with TestServer(app) as server:
        outcome = await attempt(session, str(server.make_url("")))

    assert outcome == ACCEPTED_WITHOUT_ID
    assert written < 1000 * LONGEST_ANSWER_BYTES


async def test_an_answer_before_the_request_was_read_ends_the_attempt(session: ClientSession) -> None:
    async def refuse_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await stall(reader, writer)

    async with provider(refuse_early) as url:
        assert await attempt(session, url) == Outcome(Verdict.MESSAGE_REJECTED, "status 413")


async def test_twenty_mails_at_once_share_a_session(session: ClientSession) -> None:
    async with provider(answering(OK_WHOLE)) as url:
        outcomes = await asyncio.gather(*(attempt(session, url, TimeLimits()) for _ in range(40)))

    assert outcomes == [ACCEPTED] * 40


async def test_the_session_keeps_no_cookies(session: ClientSession) -> None:
    seen: list[str | None] = []

    async def send(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        response = web.json_response({"ID": "abc"})
        response.set_cookie("who", "you")
        return response

    app = web.Application()
    app.router.add_post("/api/v1/send", send)
    async with TestServer(app) as server:
        for _ in range(2):
            assert await attempt(session, str(server.make_url(""))) == ACCEPTED

    assert seen == [None, None]


def answering_anything(data: bytes) -> Behave:
    """Answer whatever the first bytes are."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(data)
        await writer.drain()

    return behave
