from email.header import decode_header, make_header
from email.utils import parseaddr
from urllib.parse import parse_qsl

import pytest

from registration.adapters.mail.mailgun import Mailgun
from registration.adapters.mail.provider import ProviderAnswer, ProviderRequest
from registration.adapters.mail.provider_settings import InvalidProviderSettings
from registration.adapters.mail.sender import parse_sender
from registration.domain.email_address import EmailAddress
from registration.ports import Outcome, Verdict
from tests.unit.mail.examples import MAIL_ID, MESSAGE, accepted, answer, message, refusal, settings

MAILGUN = Mailgun.from_settings(settings(api_key="key-1"))


def form(request: ProviderRequest) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(), strict_parsing=True))


def test_the_request_is_what_mailgun_reads() -> None:
    request = MAILGUN.request(MESSAGE)

    assert request.url == "http://provider.test/v3/mg.example.com/messages"
    assert request.headers == {
        "Authorization": "Basic YXBpOmtleS0x",  # api:key-1
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    assert form(request) == {
        "from": "Example App <login@mail.example.com>",
        "to": "zoe@example.org",
        "subject": "Your activation code",
        "text": "Here it is:\n\n0042\n",
        "html": "<p>0042</p>",
        "o:tag": "activation-code",
        "o:tracking": "no",
        "o:tracking-clicks": "no",
        "o:tracking-opens": "no",
        "h:X-Mail-ID": str(MAIL_ID),
        "h:Auto-Submitted": "auto-generated",
        "h:X-Request-ID": "req-1",
        "v:mail_id": str(MAIL_ID),
        "v:request_id": "req-1",
    }


def test_without_a_url_it_is_mailguns_own_in_the_united_states() -> None:
    url = Mailgun.from_settings(settings(api_url=None)).url

    assert url == "https://api.mailgun.net/v3/mg.example.com/messages"


@pytest.mark.parametrize(
    "sender, sent",
    [
        ("Müller & Söhne <login@example.com>", "Müller & Söhne <login@example.com>"),
        ("Miller, Sons & Co <login@example.com>", '"Miller, Sons & Co" <login@example.com>'),
    ],
)
def test_a_name_with_commas_or_umlauts_is_sent_as_it_is(sender: str, sent: str) -> None:
    mailgun = Mailgun.from_settings(settings(sender=parse_sender(sender)))

    assert form(mailgun.request(MESSAGE))["from"] == sent


def test_a_name_with_both_is_sent_encoded_because_mailgun_would_garble_it() -> None:
    mailgun = Mailgun.from_settings(settings(sender=parse_sender("Müller, Söhne & Co <login@example.com>")))
    sent = form(mailgun.request(MESSAGE))["from"]
    name, address = parseaddr(sent)

    assert sent.isascii()
    assert (str(make_header(decode_header(name))), address) == ("Müller, Söhne & Co", "login@example.com")


def test_a_mailbox_beyond_ascii_is_sent_as_it_is() -> None:
    assert form(MAILGUN.request(message(to=EmailAddress("zoë@example.org"))))["to"] == "zoë@example.org"


@pytest.mark.parametrize(
    "domain", ["mg/example.com", "mg%2fexample.com", "example", "-a.de", "a..de", "bücher.de"]
)
def test_a_domain_of_another_form_is_refused_without_repeating_it(domain: str) -> None:
    with pytest.raises(InvalidProviderSettings) as raised:
        Mailgun.from_settings(settings(options={"domain": domain}))

    assert str(raised.value) == "domain must be a domain name in ASCII"


def test_a_sender_whose_mails_mailgun_would_make_undeliverable_is_refused() -> None:
    with pytest.raises(InvalidProviderSettings, match=r"^from must have an address in ASCII"):
        Mailgun.from_settings(settings(sender=parse_sender("zoë@example.com")))


QUEUED = "Queued. Thank you."


@pytest.mark.parametrize(
    "given, outcome",
    [
        (
            answer(200, {"id": "<20261122.1@mg.example.com>", "message": QUEUED}),
            accepted("20261122.1@mg.example.com"),
        ),
        (answer(200, {"id": "<>", "message": QUEUED}), accepted(None)),
        (answer(200, {"message": QUEUED}), accepted(None)),
    ],
)
def test_only_what_says_queued_is_accepted(given: ProviderAnswer, outcome: Outcome) -> None:
    assert MAILGUN.outcome(given) == outcome


@pytest.mark.parametrize(
    "given, verdict, reason",
    [
        (
            answer(200, text="Mailgun Magnificent API"),
            Verdict.PROVIDER_REFUSED,
            "not the address of the API",
        ),
        (
            answer(200, {"message": "'to' parameter is not a valid address. please check documentation"}),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (answer(200, {"message": "Thank you."}), Verdict.UNKNOWN, "success that does not say Queued"),
        (answer(200, {"id": "<1@x>"}), Verdict.UNKNOWN, "success that does not say Queued"),
        (answer(200, text=QUEUED), Verdict.UNKNOWN, "success that does not say Queued"),
        (answer(200, [QUEUED]), Verdict.UNKNOWN, "success that does not say Queued"),
        (answer(200), Verdict.UNKNOWN, "success that does not say Queued"),
        (answer(204), Verdict.UNKNOWN, "success that does not say Queued"),
    ],
)
def test_any_other_success_is_none(given: ProviderAnswer, verdict: Verdict, reason: str) -> None:
    assert MAILGUN.outcome(given) == refusal(verdict, reason)


@pytest.mark.parametrize(
    "given, verdict, reason",
    [
        (
            answer(400, {"message": "'to' parameter is not a valid address. please check documentation"}),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (
            answer(400, text="to parameter is not a valid address"),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (
            answer(400, {"message": "from parameter is not a valid address. please check documentation"}),
            Verdict.PROVIDER_REFUSED,
            "sender's address refused",
        ),
        (
            answer(400, {"message": "Sandbox … or add the address to authorized recipients"}),
            Verdict.PROVIDER_REFUSED,
            "domain may not send",
        ),
        (
            answer(400, {"message": "Domain mg.example.com is not allowed to send: disabled"}),
            Verdict.PROVIDER_REFUSED,
            "domain may not send",
        ),
        (answer(400, {"message": "'subject' is too long"}), Verdict.MESSAGE_REJECTED, "status 400"),
        (answer(400, {"message": None}), Verdict.MESSAGE_REJECTED, "status 400"),
        (answer(401, text="Forbidden"), Verdict.PROVIDER_REFUSED, "status 401"),
        (answer(403, {"message": "…"}), Verdict.PROVIDER_REFUSED, "status 403"),
        (answer(404, {"message": "Domain not found: mg"}), Verdict.PROVIDER_REFUSED, "status 404"),
        (answer(413), Verdict.MESSAGE_REJECTED, "status 413"),
        (answer(429), Verdict.RETRY, "status 429"),
        (answer(500), Verdict.UNKNOWN, "status 500"),
        (answer(502, text="<html>"), Verdict.UNKNOWN, "status 502"),
        (answer(503), Verdict.RETRY, "status 503"),
        (answer(504), Verdict.UNKNOWN, "status 504"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(given: ProviderAnswer, verdict: Verdict, reason: str) -> None:
    assert MAILGUN.outcome(given) == refusal(verdict, reason)
