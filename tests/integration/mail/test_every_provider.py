"""What each provider's client sends over a real connection, and what it makes of answers that are broken."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from unittest import mock

import pytest
from aiohttp import ClientSession
from botocore import auth  # type: ignore[import-untyped]  # botocore has no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # likewise
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # likewise

from registration.adapters.mail.client import LONGEST_ANSWER_BYTES, HttpMailApi
from registration.adapters.mail.providers import PROVIDERS, make_provider
from registration.adapters.mail.session import open_session
from registration.ports import Outcome, Verdict
from tests.integration.mail.servers import answering, provider, read_request
from tests.unit.mail.examples import message, settings

MESSAGE = message(text="Grüße:\n\n0042\n")


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with open_session() as opened:
        yield opened


def answer(status: int, body: bytes, *, content_type: str = "application/json", missing: int = 0) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body) + missing}\r\n\r\n"
    return head.encode() + body


async def attempt(session: ClientSession, name: str, given: bytes) -> Outcome:
    async with provider(answering(given)) as url:
        return await HttpMailApi(session, make_provider(name, settings(api_url=url))).send(MESSAGE)


BROKEN = {
    "empty": answer(200, b""),
    "no JSON": answer(200, b"<html>It works!</html>"),
    "another type": answer(200, b'{"id":', content_type="text/html"),
    "half of it": answer(200, b'{"id": "1", "message": "Queu'),
    "no text": answer(200, b"\xff\xfe\x00"),
    "a list": answer(200, b'[{"ErrorCode": 406}]'),
    "a number": answer(200, b"1e999"),
}
CUT = {
    "cut": answer(200, b'{"id": "1"', missing=10),
    "huge": answer(200, b'"' + b"x" * 2 * LONGEST_ANSWER_BYTES + b'"'),
}


@pytest.mark.parametrize("given", [pytest.param(given, id=name) for name, given in CUT.items()])
@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_success_that_cannot_be_read_to_its_end_is_an_acceptance(
    session: ClientSession, name: str, given: bytes
) -> None:
    assert await attempt(session, name, given) == Outcome(Verdict.ACCEPTED, "accepted without an id")


@pytest.mark.parametrize("given", [pytest.param(given, id=name) for name, given in BROKEN.items()])
@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_success_that_makes_no_sense_is_one_but_where_it_has_to_say_so(
    session: ClientSession, name: str, given: bytes
) -> None:
    verdict = Verdict.UNKNOWN if name == "mailgun" else Verdict.ACCEPTED

    assert (await attempt(session, name, given)).verdict is verdict


@pytest.mark.parametrize(
    "status, verdict",
    [
        (400, Verdict.MESSAGE_REJECTED),
        (401, Verdict.PROVIDER_REFUSED),
        (429, Verdict.RETRY),
        (500, Verdict.UNKNOWN),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"message": "', b"[]", b"x" * 2 * LONGEST_ANSWER_BYTES])
@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_refusal_that_makes_no_sense_is_told_by_its_status(
    session: ClientSession, name: str, body: bytes, status: int, verdict: Verdict
) -> None:
    assert await attempt(session, name, answer(status, body)) == Outcome(verdict, mock.ANY)


@pytest.mark.parametrize("name", PROVIDERS)
async def test_what_arrives_is_what_the_provider_was_meant_to_get(session: ClientSession, name: str) -> None:
    arrived: list[bytes] = []

    async def remember(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await read_request(reader))
        writer.write(answer(200, b"{}"))

    async with provider(remember) as url:
        asked = make_provider(name, settings(api_url=url))
        await HttpMailApi(session, asked).send(MESSAGE)
        expected = asked.request(MESSAGE)

    (request,) = arrived
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    assert lines[0] == f"POST {expected.url.removeprefix(url)} HTTP/1.1"
    assert headers.items() >= {name.lower(): value for name, value in expected.headers.items()}.items()
    assert headers["user-agent"] == "registration"
    assert headers["host"] == url.removeprefix("http://")
    assert len(headers) == len(lines) - 1
    assert body == expected.body


async def test_amazons_own_library_signs_what_arrives_in_the_same_way(session: ClientSession) -> None:
    arrived: list[bytes] = []

    async def remember(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await read_request(reader))
        writer.write(answer(200, b'{"MessageId": "1"}'))

    async with provider(remember) as url:
        api = HttpMailApi(session, make_provider("ses", settings(api_url=f"{url}/relay")))
        assert (await api.send(MESSAGE)).message_id == "1"

    head, _, body = arrived[0].partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    path = lines[0].split(" ")[1]
    theirs = AWSRequest(
        "POST", f"http://{headers['Host']}{path}", {"Content-Type": headers["Content-Type"]}, data=body
    )
    sent_at = datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    options = settings().options
    credentials = Credentials(options["access_key_id"], options["secret_access_key"])
    with mock.patch.object(auth, "get_current_datetime", return_value=sent_at):
        auth.SigV4Auth(credentials, "ses", options["region"]).add_auth(theirs)
    assert theirs.headers["Authorization"] == headers["Authorization"]
    assert abs(datetime.now(UTC) - sent_at).total_seconds() < 60
