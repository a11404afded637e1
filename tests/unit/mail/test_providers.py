"""What holds for every provider, also for the next one."""

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.adapters.mail.provider import Provider, ProviderAnswer
from registration.adapters.mail.provider_settings import InvalidProviderSettings
from registration.adapters.mail.providers import PROVIDERS, make_provider
from registration.adapters.mail.sender import parse_sender
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind
from registration.ports import Verdict
from tests.unit.mail.examples import MESSAGE, NOW, answer, message, settings

ALL = [pytest.param(make_provider(name, settings()), id=name) for name in PROVIDERS]
REAL = [name for name in PROVIDERS if name != "mailpit"]
ANY_PROVIDER = st.sampled_from(list(PROVIDERS)).map(lambda name: make_provider(name, settings()))

MEMBERS = [
    *("ID", "Error"),
    *("ErrorCode", "Message", "MessageID"),
    *("id", "name", "message", "statusCode"),
    *("MessageId", "__type", "code"),
    *("messageId", "messageIds"),
]
CODES = [
    *("validation_error", "rate_limit_exceeded", "daily_quota_exceeded", "invalid_idempotent_request"),
    *("ThrottlingException", "MessageRejected", "BadRequestException", "LimitExceededException"),
    *("invalid_parameter", "duplicate_parameter", "duplicate_request", "not_enough_credits"),
    *("Queued. Thank you.", "Invalid 'To' address: 'z'.", "email is not valid in to"),
]
HEADERS = ["retry-after", "ratelimit-reset", "x-sib-ratelimit-reset", "x-amzn-errortype", "content-type"]

ANY_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(CODES)
ANY_JSON = st.recursive(
    ANY_VALUE,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(MEMBERS), inner),
)
ANY_ANSWER = st.builds(
    ProviderAnswer,
    status=st.integers(100, 999),
    received_at=st.just(NOW),
    headers=st.dictionaries(st.sampled_from(HEADERS), st.text() | st.sampled_from(CODES) | st.just("9" * 50)),
    text=st.text() | st.just("Mailgun Magnificent API"),
    document=ANY_JSON | st.dictionaries(st.sampled_from(MEMBERS), ANY_VALUE),
)


@pytest.mark.parametrize("provider", ALL)
def test_the_same_message_is_the_same_request(provider: Provider) -> None:
    assert provider.request(MESSAGE) == provider.request(message())
    assert provider.request(MESSAGE).at(NOW) == provider.request(message()).at(NOW)


@pytest.mark.parametrize("provider", ALL)
def test_neither_key_nor_code_is_shown(provider: Provider) -> None:
    request = provider.request(MESSAGE)
    for shown in (repr(provider), repr(request), repr(request.at(NOW)), repr(settings())):
        assert "secret-key" not in shown
        assert "0042" not in shown
        assert "Basic" not in shown


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize("provider", ALL)
def test_the_request_has_the_recipient_the_kind_and_our_ids(provider: Provider, kind: MailKind) -> None:
    body = provider.request(message(kind=kind, to=EmailAddress("nobody@example.org"))).body.decode()

    assert body.replace("%40", "@").count("nobody@example.org") == 1
    assert kind.value in body
    assert str(MESSAGE.id) in body
    assert "req-1" in body


@pytest.mark.parametrize("provider", ALL)
def test_a_mail_that_no_request_asked_for_names_none(provider: Provider) -> None:
    body = provider.request(message(request_id=None)).body.decode().lower()

    assert "request_id" not in body
    assert "x-request-id" not in body


@pytest.mark.parametrize("name", PROVIDERS)
def test_headers_are_ascii_whatever_is_in_the_mail(name: str) -> None:
    provider = make_provider(name, settings(sender=parse_sender("Müller, Söhne & Co <login@example.com>")))
    request = provider.request(
        message(to=EmailAddress("zoë@example.org"), subject="Grüße", text="ü\n\n0042\n")
    )

    for header, value in request.at(NOW).headers.items():
        assert set(header) <= set(string.ascii_letters + string.digits + "-")
        assert value.isascii()
        assert value.isprintable()
    assert request.url.isascii()


@pytest.mark.parametrize("provider", ALL)
def test_a_body_says_what_it_is(provider: Provider) -> None:
    request = provider.request(MESSAGE)

    assert request.headers["Content-Type"] in {"application/json", "application/x-www-form-urlencoded"}
    assert request.headers["Accept"] == "application/json"


@given(provider=ANY_PROVIDER, odd=ANY_ANSWER)
def test_no_answer_is_too_odd(provider: Provider, odd: ProviderAnswer) -> None:
    outcome = provider.outcome(odd)

    assert outcome.reason.isascii()
    assert 0 < len(outcome.reason) <= 64
    assert outcome.message_id is None or 0 < len(outcome.message_id) <= 255
    if outcome.retry_after is not None:
        assert 0 <= outcome.retry_after.total_seconds() <= 24 * 60 * 60
    if outcome.verdict is not Verdict.ACCEPTED:
        assert outcome.message_id is None


@given(
    provider=ANY_PROVIDER,
    secret=st.text(string.ascii_letters, min_size=20, max_size=30),
    status=st.integers(200, 599),
)
def test_what_the_provider_writes_is_in_no_reason(provider: Provider, secret: str, status: int) -> None:
    document = dict.fromkeys(MEMBERS, secret)

    assert secret not in provider.outcome(answer(status, document, text=secret)).reason


@pytest.mark.parametrize("provider", ALL)
def test_a_server_fault_is_never_proof_that_the_mail_was_not_taken(provider: Provider) -> None:
    for status in (500, 502, 504):
        assert provider.outcome(answer(status)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("provider", ALL)
def test_a_wrong_key_is_no_reason_to_give_a_mail_up(provider: Provider) -> None:
    for status in (401, 402, 403):
        assert provider.outcome(answer(status)).verdict is Verdict.PROVIDER_REFUSED


@pytest.mark.parametrize("provider", ALL)
def test_too_many_requests_are_made_later(provider: Provider) -> None:
    outcome = provider.outcome(answer(429, headers={"retry-after": "20"}))

    assert outcome.verdict is Verdict.RETRY
    assert outcome.retry_after is not None
    assert outcome.retry_after.total_seconds() == 20


def test_the_name_in_the_table_is_the_providers() -> None:
    assert [make_provider(name, settings()).name for name in PROVIDERS] == list(PROVIDERS)


def test_an_unknown_provider_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidProviderSettings, match="must be one of mailpit"):
        make_provider("pigeon", settings())


@pytest.mark.parametrize("name", REAL)
def test_a_real_provider_has_its_address_and_wants_a_key(name: str) -> None:
    url = make_provider(name, settings(api_url=None)).request(MESSAGE).url
    assert url.startswith("https://")

    with pytest.raises(InvalidProviderSettings, match=r"is not set$"):
        make_provider(name, settings(api_key=None, options={}))


@pytest.mark.parametrize("key", ["sécret-sécret", "secret\nX-Injected: 1"])
@pytest.mark.parametrize("name", REAL)
def test_a_key_that_no_header_can_carry_is_refused_without_repeating_it(name: str, key: str) -> None:
    options = {**settings().options, "access_key_id": key, "secret_access_key": key}
    with pytest.raises(InvalidProviderSettings, match="printable ASCII") as refusal:
        make_provider(name, settings(api_key=key, options=options))

    assert key not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    ["provider.test", "ftp://provider.test", "http://", "http://a b", "http://x:99999", "https://h\nost"],
)
@pytest.mark.parametrize("name", PROVIDERS)
def test_what_is_no_url_is_refused(name: str, url: str) -> None:
    with pytest.raises(InvalidProviderSettings, match=r"^api_url must be an http or https URL$"):
        make_provider(name, settings(api_url=url))


@pytest.mark.parametrize(
    "url", ["http://user:pass@provider.test", "http://provider.test?a=1", "http://p.test/#x"]
)
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_url_with_credentials_is_refused_without_repeating_them(name: str, url: str) -> None:
    with pytest.raises(InvalidProviderSettings) as refusal:
        make_provider(name, settings(api_url=url))

    assert str(refusal.value) == "api_url must not contain credentials, a query or a fragment"


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_slash_at_the_end_of_the_url_makes_no_difference(name: str) -> None:
    one, other = (
        make_provider(name, settings(api_url=url))
        for url in ("http://provider.test/a", "http://provider.test/a/")
    )

    assert one.request(MESSAGE) == other.request(MESSAGE)


@pytest.mark.parametrize(
    "part", ["daily ", "Error parsing ", "in to ", "to parameter is ", "'to'", " " * 6, "recipient"]
)
@pytest.mark.parametrize("provider", ALL)
def test_reading_a_long_text_takes_no_time(provider: Provider, part: str) -> None:
    text = part * (64 * 1024 // len(part))
    errors = {
        "name": "validation_error",
        "code": "invalid_parameter",
        "ErrorCode": 300,
        "__type": "Throttling",
    }
    began = time.perf_counter()
    provider.outcome(answer(400, {"message": text, "Message": text, "Error": text, **errors}, text=text))

    assert time.perf_counter() - began < 0.5
