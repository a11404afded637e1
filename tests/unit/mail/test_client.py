"""What the client sends, and how it reads an answer that arrives whole."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from aiohttp import ClientSession
from aioresponses import aioresponses
from aioresponses.core import RequestCall
from yarl import URL

from registration.adapters.mail.client import HttpMailApi, TimeLimits, open_mail_api
from registration.adapters.mail.mailpit import Mailpit
from registration.adapters.mail.providers import PROVIDERS, make_provider
from registration.adapters.mail.session import open_session
from registration.ports import Outcome, Verdict
from tests.unit.mail.examples import MESSAGE, NOW, accepted, refusal, settings

URL_OF_SEND = "http://provider.test/api/v1/send"
MAILPIT = Mailpit.from_settings(settings())


@pytest.fixture
def provider() -> Iterator[aioresponses]:
    with aioresponses() as mocked:
        yield mocked


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest.fixture
def api(session: ClientSession) -> HttpMailApi:
    return HttpMailApi(session, MAILPIT, now=lambda: NOW)


def calls(provider: aioresponses) -> list[RequestCall]:
    assert provider.requests
    return provider.requests["POST", URL(URL_OF_SEND)]


async def test_sends_exactly_what_the_provider_asks_for(api: HttpMailApi, provider: aioresponses) -> None:
    provider.post(URL_OF_SEND, payload={"ID": "abc"})

    outcome = await api.send(MESSAGE)

    assert outcome == Outcome(Verdict.ACCEPTED, "accepted", "abc")
    (call,) = calls(provider)
    expected = MAILPIT.request(MESSAGE)
    assert call.kwargs["data"] == expected.body
    assert call.kwargs["headers"] == {**expected.headers, "User-Agent": "registration"}
    assert call.kwargs["allow_redirects"] is False


async def test_sends_the_same_bytes_at_every_attempt(api: HttpMailApi, provider: aioresponses) -> None:
    provider.post(URL_OF_SEND, status=503)
    provider.post(URL_OF_SEND, payload={"ID": "abc"})

    await api.send(MESSAGE)
    await api.send(MESSAGE)

    first, second = calls(provider)
    assert first.kwargs["data"] == second.kwargs["data"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"],
)
async def test_reads_json_where_the_answer_says_that_it_is(
    api: HttpMailApi, provider: aioresponses, content_type: str
) -> None:
    provider.post(URL_OF_SEND, body='{"ID":"abc"}', content_type=content_type)

    assert (await api.send(MESSAGE)).message_id == "abc"


@pytest.mark.parametrize(
    "body, content_type",
    [
        (b'{"ID":"abc"}', "text/html"),
        (b'{"ID":"abc"}', ""),
        (b'{"ID":"ab', "application/json"),
        (b"", "application/json"),
        (b"\xff\xfe\xff", "application/json; charset=nonsense"),
        (b"[" * 60_000, "application/json"),
        (b'{"ID":' + b"9" * 60_000 + b"}", "application/json"),
        (b"<html>It works!</html>", "text/html"),
    ],
)
async def test_a_success_that_cannot_be_read_is_accepted_without_an_id(
    api: HttpMailApi, provider: aioresponses, body: bytes, content_type: str
) -> None:
    provider.post(URL_OF_SEND, body=body, content_type=content_type)

    assert await api.send(MESSAGE) == Outcome(Verdict.ACCEPTED, "accepted without an id")


async def test_hears_when_to_come_again(api: HttpMailApi, provider: aioresponses) -> None:
    provider.post(URL_OF_SEND, status=429, headers={"Retry-After": "Sun, 22 Nov 2026 12:00:30 GMT"})

    outcome = await api.send(MESSAGE)

    assert outcome == Outcome(Verdict.RETRY, "status 429", retry_after=timedelta(seconds=30))


async def test_what_the_provider_writes_goes_no_further(api: HttpMailApi, provider: aioresponses) -> None:
    provider.post(URL_OF_SEND, status=422, payload={"Error": "zoe@example.org with code 0042 and secret-key"})

    assert await api.send(MESSAGE) == Outcome(Verdict.MESSAGE_REJECTED, "status 422")


async def test_has_the_providers_name_and_its_own_session() -> None:
    async with open_mail_api(MAILPIT, TimeLimits(total_seconds=1)) as api:
        assert api.name == "mailpit"


@pytest.mark.parametrize("name", PROVIDERS)
async def test_sends_to_each_provider_what_it_asks_for_under_a_signature_of_now(
    session: ClientSession, provider: aioresponses, name: str
) -> None:
    expected = make_provider(name, settings()).request(MESSAGE).at(NOW)
    provider.post(expected.url, status=503)

    await HttpMailApi(session, make_provider(name, settings()), now=lambda: NOW).send(MESSAGE)

    assert provider.requests
    (call,) = provider.requests["POST", URL(expected.url)]
    assert call.kwargs["data"] == expected.body
    assert call.kwargs["headers"] == {**expected.headers, "User-Agent": "registration"}


@pytest.mark.parametrize(
    "name, status, body, headers, outcome",
    [
        ("postmark", 200, '{"ErrorCode":0,"Message":"OK","MessageID":"a-1"}', {}, accepted("a-1")),
        (
            "postmark",
            200,
            '{"ErrorCode":406,"Message":"…"}',
            {},
            refusal(Verdict.RECIPIENT_REJECTED, "recipient suppressed"),
        ),
        ("resend", 200, '{"id":"b-2"}', {}, accepted("b-2")),
        (
            "resend",
            429,
            '{"statusCode":429,"name":"rate_limit_exceeded","message":"…"}',
            {"RateLimit-Reset": "2"},
            refusal(Verdict.RETRY, "rate limit exceeded", timedelta(seconds=2)),
        ),
        ("ses", 200, '{"MessageId":"c-3"}', {}, accepted("c-3")),
        (
            "ses",
            400,
            '{"message":"Maximum sending rate exceeded."}',
            {"X-Amzn-ErrorType": "ThrottlingException:http://internal/"},
            refusal(Verdict.RETRY, "throttled", timedelta(seconds=1)),
        ),
        (
            "ses",
            403,
            '{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"…"}',
            {"Content-Type": "application/x-amz-json-1.1"},
            refusal(Verdict.PROVIDER_REFUSED, "access key refused"),
        ),
        ("mailgun", 200, '{"id":"<d-4@mg>","message":"Queued. Thank you."}', {}, accepted("d-4@mg")),
        (
            "mailgun",
            200,
            "Mailgun Magnificent API",
            {"Content-Type": "text/html"},
            refusal(Verdict.PROVIDER_REFUSED, "not the address of the API"),
        ),
        (
            "mailgun",
            200,
            '{"id":"<d-4@mg>","message":"Queued. Thank you."}',
            {"Content-Type": "text/html"},
            refusal(Verdict.UNKNOWN, "success that does not say Queued"),
        ),
        ("brevo", 201, '{"messageId":"<e-5@smtp>"}', {}, accepted("<e-5@smtp>")),
        (
            "brevo",
            429,
            "",
            {"x-sib-ratelimit-reset": "9", "Content-Type": "text/html"},
            refusal(Verdict.RETRY, "rate limit exceeded", timedelta(seconds=9)),
        ),
    ],
)
async def test_reads_what_each_provider_says(
    session: ClientSession,
    provider: aioresponses,
    name: str,
    status: int,
    body: str,
    headers: dict[str, str],
    outcome: Outcome,
) -> None:
    asked = make_provider(name, settings())
    headers = {"Content-Type": "application/json"} | headers
    provider.post(
        asked.request(MESSAGE).url,
        status=status,
        body=body,
        headers=headers,
        content_type=headers["Content-Type"],
    )

    assert await HttpMailApi(session, asked, now=lambda: NOW).send(MESSAGE) == outcome
