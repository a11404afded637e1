"""What holds for every provider, also for the next one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.adapters.mail.provider import Provider, ProviderAnswer
from registration.adapters.mail.provider_settings import InvalidProviderSetting
from registration.adapters.mail.providers import PROVIDERS, make_provider
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind
from registration.ports import Verdict
from tests.unit.mail.examples import MESSAGE, NOW, answer, message, settings

ALL = [pytest.param(make_provider(name, settings()), id=name) for name in PROVIDERS]
ANY_PROVIDER = st.sampled_from(list(PROVIDERS)).map(lambda name: make_provider(name, settings()))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["ID", "Error", "id", "message", "code"]), inner)
    ),
)


@pytest.mark.parametrize("provider", ALL)
def test_the_same_message_is_the_same_request(provider: Provider) -> None:
    assert provider.request(MESSAGE) == provider.request(message())


@pytest.mark.parametrize("provider", ALL)
def test_neither_key_nor_code_is_shown(provider: Provider) -> None:
    for shown in (repr(provider), repr(provider.request(MESSAGE))):
        assert "secret-key" not in shown
        assert "0042" not in shown


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize("provider", ALL)
def test_the_request_has_the_recipient_the_kind_and_our_id(provider: Provider, kind: MailKind) -> None:
    body = provider.request(message(kind=kind, to=EmailAddress("nobody@example.org"))).body.decode()

    assert "nobody@example.org" in body.replace("%40", "@")
    assert kind.value in body
    assert str(MESSAGE.id) in body


@given(
    provider=ANY_PROVIDER,
    status=st.integers(200, 599),
    document=ANY_JSON,
    text=st.text(),
    headers=st.dictionaries(st.sampled_from(["retry-after", "content-type", "x-message-id"]), st.text()),
)
def test_no_answer_is_too_odd(
    provider: Provider, status: int, document: object, text: str, headers: dict[str, str]
) -> None:
    outcome = provider.outcome(ProviderAnswer(status, NOW, headers, text, document))

    assert outcome.reason.isascii()
    assert 0 < len(outcome.reason) <= 64
    assert outcome.message_id is None or len(outcome.message_id) <= 255


@pytest.mark.parametrize("provider", ALL)
def test_a_server_fault_is_never_proof_that_the_mail_was_not_taken(provider: Provider) -> None:
    for status in (500, 502, 504):
        assert provider.outcome(answer(status)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("provider", ALL)
def test_a_wrong_key_is_no_reason_to_give_a_mail_up(provider: Provider) -> None:
    assert provider.outcome(answer(401)).verdict is Verdict.PROVIDER_REFUSED


def test_an_unknown_provider_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidProviderSetting, match="must be one of mailpit"):
        make_provider("pigeon", settings())


@pytest.mark.parametrize(
    "url",
    ["provider.test", "ftp://provider.test", "http://", "http://a b", "http://x:99999", "https://h\nost"],
)
@pytest.mark.parametrize("name", PROVIDERS)
def test_what_is_no_url_is_refused(name: str, url: str) -> None:
    with pytest.raises(InvalidProviderSetting, match=r"^api_url must be an http or https URL$"):
        make_provider(name, settings(api_url=url))


@pytest.mark.parametrize(
    "url", ["http://user:pass@provider.test", "http://provider.test?a=1", "http://p.test/#x"]
)
def test_a_url_with_credentials_is_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(InvalidProviderSetting) as refusal:
        make_provider("mailpit", settings(api_url=url))

    assert str(refusal.value) == "api_url must not contain credentials, a query or a fragment"
