import json
from datetime import timedelta
from email.header import decode_header, make_header

import pytest

from registration.adapters.mail.brevo import Brevo
from registration.adapters.mail.provider import ProviderAnswer
from registration.adapters.mail.provider_settings import InvalidProviderSettings
from registration.adapters.mail.sender import parse_sender
from registration.domain.email_address import EmailAddress
from registration.ports import Outcome, Verdict
from tests.unit.mail.examples import MAIL_ID, MESSAGE, accepted, answer, message, refusal, settings

BREVO = Brevo.from_settings(settings(api_key="xkeysib-1"))


def test_the_request_is_what_brevo_reads() -> None:
    request = BREVO.request(MESSAGE)

    assert request.url == "http://provider.test/v3/smtp/email"
    assert request.headers == {
        "api-key": "xkeysib-1",
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    assert json.loads(request.body) == {
        "sender": {"email": "login@mail.example.com", "name": "Example App"},
        "to": [{"email": "zoe@example.org"}],
        "subject": "Your activation code",
        "textContent": "Here it is:\n\n0042\n",
        "htmlContent": "<p>0042</p>",
        "tags": ["activation-code"],
        "headers": {
            "X-Mail-Id": str(MAIL_ID),
            "Auto-Submitted": "auto-generated",
            "X-Request-Id": "req-1",
            "X-Mailin-custom": f'{{"mail_id":"{MAIL_ID}","request_id":"req-1"}}',
            "idempotencyKey": str(MAIL_ID),
        },
    }


def test_without_a_url_it_is_brevos_own() -> None:
    assert Brevo.from_settings(settings(api_url=None)).url == "https://api.brevo.com/v3/smtp/email"


@pytest.mark.parametrize("name", ["Müller & Söhne", "Miller, Sons & Co"])
def test_a_name_with_commas_or_umlauts_is_sent_as_it_is(name: str) -> None:
    brevo = Brevo.from_settings(settings(sender=parse_sender(f"{name} <login@example.com>")))

    assert json.loads(brevo.request(MESSAGE).body)["sender"]["name"] == name


def test_a_name_with_both_is_sent_encoded_because_brevo_would_drop_it() -> None:
    brevo = Brevo.from_settings(settings(sender=parse_sender("Müller, Söhne & Co <login@example.com>")))
    name = json.loads(brevo.request(MESSAGE).body)["sender"]["name"]

    assert name.isascii()
    assert str(make_header(decode_header(name))) == "Müller, Söhne & Co"


def test_a_sender_without_a_name_has_none() -> None:
    brevo = Brevo.from_settings(settings(sender=parse_sender("login@example.com")))

    assert json.loads(brevo.request(MESSAGE).body)["sender"] == {"email": "login@example.com"}


def test_a_mailbox_beyond_ascii_is_sent_as_it_is() -> None:
    document = json.loads(BREVO.request(message(to=EmailAddress("zoë@example.org"))).body)

    assert document["to"] == [{"email": "zoë@example.org"}]


@pytest.mark.parametrize("name", ["x" * 71, "Müller, " * 8])
def test_a_name_that_is_too_long_for_brevo_is_refused(name: str) -> None:
    with pytest.raises(InvalidProviderSettings, match=r"^from must have a name of at most 70 characters"):
        Brevo.from_settings(settings(sender=parse_sender(f"{name} <login@example.com>")))


def test_a_repetition_is_not_relied_on_to_be_recognised() -> None:
    assert not BREVO.recognises_repetitions


def error(status: int, code: object, text: object = "") -> ProviderAnswer:
    return answer(status, {"code": code, "message": text})


ID = "<202611221200.1@smtp-relay.mailin.fr>"


@pytest.mark.parametrize(
    "given, outcome",
    [
        (answer(201, {"messageId": ID}), accepted(ID)),
        (answer(202, {"messageId": ID}), accepted(ID)),
        (answer(201, {"messageIds": [ID]}), accepted(None)),
        (answer(201, text="<html>"), accepted(None)),
        (answer(201), accepted(None)),
        (error(400, "duplicate_parameter", "…"), Outcome(Verdict.ACCEPTED, "accepted before")),
    ],
)
def test_an_acceptance_may_come_without_an_id(given: ProviderAnswer, outcome: Outcome) -> None:
    assert BREVO.outcome(given) == outcome


@pytest.mark.parametrize(
    "given, verdict, reason",
    [
        (
            error(400, "invalid_parameter", "email is not valid in to"),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (
            error(400, "INVALID_PARAMETER", "unexpected recipients: want atleast 1, got 0"),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (
            error(400, "missing_parameter", "to is missing"),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (error(400, "invalid_parameter", "sender is not valid"), Verdict.PROVIDER_REFUSED, "sender refused"),
        (
            error(400, "invalid_parameter", "email to be sent has no subject"),
            Verdict.MESSAGE_REJECTED,
            "invalid parameter",
        ),
        (error(400, "out_of_range"), Verdict.MESSAGE_REJECTED, "invalid parameter"),
        (error(400, "bad_request", ["x"]), Verdict.MESSAGE_REJECTED, "invalid parameter"),
        (error(200, "invalid_parameter"), Verdict.MESSAGE_REJECTED, "invalid parameter"),
        (error(401, "unauthorized", "Key not found"), Verdict.PROVIDER_REFUSED, "API key refused"),
        (error(403, "permission_denied"), Verdict.PROVIDER_REFUSED, "permission denied"),
        (error(403, "account_under_validation"), Verdict.PROVIDER_REFUSED, "account not approved yet"),
        (error(402, "not_enough_credits"), Verdict.PROVIDER_REFUSED, "out of credits"),
        (error(400, "not_enough_credits"), Verdict.PROVIDER_REFUSED, "out of credits"),
        (error(200, "not_enough_credits"), Verdict.PROVIDER_REFUSED, "out of credits"),
        (error(400, "something_new"), Verdict.MESSAGE_REJECTED, "status 400"),
        (error(400, {"x": 1}), Verdict.MESSAGE_REJECTED, "status 400"),
        *(
            (answer(status), Verdict.PROVIDER_REFUSED, f"status {status}")
            for status in (401, 402, 403, 404, 405, 406, 415, 417, 424)
        ),
        (answer(408), Verdict.RETRY, "status 408"),
        (answer(425), Verdict.RETRY, "status 425"),
        (answer(500), Verdict.UNKNOWN, "status 500"),
        (answer(502, text="<html>"), Verdict.UNKNOWN, "status 502"),
        (answer(503), Verdict.UNKNOWN, "status 503"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(given: ProviderAnswer, verdict: Verdict, reason: str) -> None:
    assert BREVO.outcome(given) == refusal(verdict, reason)


@pytest.mark.parametrize(
    "given, reason, seconds",
    [
        (answer(429, headers={"x-sib-ratelimit-reset": "7"}), "rate limit exceeded", 7),
        (answer(429, headers={"x-sib-ratelimit-reset": "7", "retry-after": "9"}), "rate limit exceeded", 9),
        (answer(429, headers={"x-sib-ratelimit-reset": "soon"}), "rate limit exceeded", None),
        (answer(429), "rate limit exceeded", None),
    ],
)
def test_says_when_to_come_again(given: ProviderAnswer, reason: str, seconds: int | None) -> None:
    wait = None if seconds is None else timedelta(seconds=seconds)

    assert BREVO.outcome(given) == refusal(Verdict.RETRY, reason, wait)


def test_the_reset_of_a_limit_that_was_not_exceeded_is_nothing_to_wait_for() -> None:
    assert BREVO.outcome(answer(503, headers={"x-sib-ratelimit-reset": "7"})).retry_after is None


def test_a_mail_that_is_being_sent_already_may_be_taken_and_is_not_for_another_provider() -> None:
    outcome = BREVO.outcome(error(409, "duplicate_request"))

    assert outcome == refusal(Verdict.UNKNOWN, "being sent already", timedelta(seconds=2))
