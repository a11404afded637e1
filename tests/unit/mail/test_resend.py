import json
from datetime import datetime, timedelta

import pytest

from registration.adapters.mail.provider import ProviderAnswer
from registration.adapters.mail.resend import Resend
from registration.adapters.mail.sender import parse_sender
from registration.domain.email_address import EmailAddress
from registration.ports import Outcome, Verdict
from tests.unit.mail.examples import MAIL_ID, MESSAGE, NOW, accepted, answer, message, refusal, settings

RESEND = Resend.from_settings(settings(api_key="re_key"))


def test_the_request_is_what_resend_reads() -> None:
    request = RESEND.request(MESSAGE)

    assert request.url == "http://provider.test/emails"
    assert request.headers == {
        "Authorization": "Bearer re_key",
        "Idempotency-Key": str(MAIL_ID),
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    assert json.loads(request.body) == {
        "from": "Example App <login@mail.example.com>",
        "to": ["zoe@example.org"],
        "subject": "Your activation code",
        "text": "Here it is:\n\n0042\n",
        "html": "<p>0042</p>",
        "headers": {"X-Mail-ID": str(MAIL_ID), "Auto-Submitted": "auto-generated", "X-Request-ID": "req-1"},
        "tags": [
            {"name": "category", "value": "activation-code"},
            {"name": "mail_id", "value": str(MAIL_ID)},
            {"name": "request_id", "value": "req-1"},
        ],
    }


def test_without_a_url_it_is_resends_own() -> None:
    assert Resend.from_settings(settings(api_url=None)).url == "https://api.resend.com/emails"


def test_names_and_addresses_are_utf_8_and_a_name_with_a_comma_is_in_quotes() -> None:
    resend = Resend.from_settings(settings(sender=parse_sender("Müller, Söhne & Co <login@example.com>")))
    document = json.loads(resend.request(message(to=EmailAddress("zoë@example.org"))).body)

    assert document["from"] == '"Müller, Söhne & Co" <login@example.com>'
    assert document["to"] == ["zoë@example.org"]


def test_a_tag_has_only_what_resend_allows_in_one() -> None:
    document = json.loads(RESEND.request(message(request_id="a.b-c_D")).body)

    assert document["tags"][-1] == {"name": "request_id", "value": "a_b-c_D"}
    assert document["headers"]["X-Request-ID"] == "a.b-c_D"


def test_a_repetition_is_recognised_by_its_key() -> None:
    assert RESEND.recognises_repetitions


def error(status: int, name: str, text: str = "", headers: dict[str, str] | None = None) -> ProviderAnswer:
    return answer(status, {"statusCode": status, "name": name, "message": text}, headers)


ID = "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"


@pytest.mark.parametrize(
    "given, outcome",
    [
        (answer(200, {"id": ID}), accepted(ID)),
        (answer(201, {"id": ID, "name": "x"}), accepted(ID)),
        (answer(200, {"id": None}), accepted(None)),
        (answer(200, text="<html>"), accepted(None)),
        (answer(200), accepted(None)),
        (
            error(409, "invalid_idempotent_request"),
            Outcome(Verdict.ACCEPTED, "accepted before, with other bytes"),
        ),
    ],
)
def test_an_acceptance_may_come_without_an_id(given: ProviderAnswer, outcome: Outcome) -> None:
    assert RESEND.outcome(given) == outcome


@pytest.mark.parametrize(
    "given, verdict, reason",
    [
        (
            error(422, "validation_error", "Invalid `to` field. The email address needs to follow …"),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (
            error(400, "validation_error", "Invalid 'to' field."),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (
            error(422, "invalid_parameter", "The `to` address is not ASCII"),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (
            error(400, "validation_error", "We found an error with one or more fields in the request."),
            Verdict.MESSAGE_REJECTED,
            "validation error",
        ),
        (error(422, "missing_required_field"), Verdict.MESSAGE_REJECTED, "required field missing"),
        (error(422, "invalid_attachment"), Verdict.MESSAGE_REJECTED, "invalid attachment"),
        (error(400, "invalid_idempotency_key"), Verdict.MESSAGE_REJECTED, "invalid idempotency key"),
        (error(451, "security_error"), Verdict.MESSAGE_REJECTED, "security error"),
        (error(401, "missing_api_key"), Verdict.PROVIDER_REFUSED, "API key refused"),
        (error(401, "restricted_api_key"), Verdict.PROVIDER_REFUSED, "API key refused"),
        (error(403, "invalid_api_key"), Verdict.PROVIDER_REFUSED, "API key refused"),
        (
            error(403, "validation_error", "You can only send testing emails to your own email address"),
            Verdict.PROVIDER_REFUSED,
            "sender's domain not verified",
        ),
        (error(422, "invalid_from_address"), Verdict.PROVIDER_REFUSED, "sender's address refused"),
        (error(404, "not_found"), Verdict.PROVIDER_REFUSED, "no such endpoint"),
        (error(405, "method_not_allowed"), Verdict.PROVIDER_REFUSED, "no such endpoint"),
        (error(429, "monthly_quota_exceeded"), Verdict.PROVIDER_REFUSED, "monthly quota exceeded"),
        (error(500, "application_error"), Verdict.UNKNOWN, "application error"),
        (error(500, "internal_server_error"), Verdict.UNKNOWN, "internal server error"),
        (error(403, "something_new"), Verdict.PROVIDER_REFUSED, "status 403"),
        (error(409, "something_new"), Verdict.MESSAGE_REJECTED, "status 409"),
        (error(500, "something_new"), Verdict.UNKNOWN, "status 500"),
        (answer(503, text="<html>"), Verdict.RETRY, "status 503"),
        (answer(422, {"name": ["validation_error"]}), Verdict.MESSAGE_REJECTED, "status 422"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(given: ProviderAnswer, verdict: Verdict, reason: str) -> None:
    assert RESEND.outcome(given) == refusal(verdict, reason)


@pytest.mark.parametrize(
    "document, verdict",
    [
        ({"statusCode": 422, "name": "missing_required_field"}, Verdict.MESSAGE_REJECTED),
        ({"statusCode": 403, "name": "invalid_api_key"}, Verdict.PROVIDER_REFUSED),
        ({"statusCode": 429, "name": "monthly_quota_exceeded"}, Verdict.PROVIDER_REFUSED),
    ],
)
def test_an_error_with_a_success_status_is_an_error(document: dict[str, object], verdict: Verdict) -> None:
    assert RESEND.outcome(answer(200, document)).verdict is verdict


@pytest.mark.parametrize(
    "given, reason, seconds",
    [
        (error(429, "rate_limit_exceeded"), "rate limit exceeded", None),
        (error(429, "rate_limit_exceeded", headers={"retry-after": "3"}), "rate limit exceeded", 3),
        (error(429, "rate_limit_exceeded", headers={"ratelimit-reset": "1"}), "rate limit exceeded", 1),
        (
            error(429, "rate_limit_exceeded", headers={"retry-after": "3", "ratelimit-reset": "1"}),
            "rate limit exceeded",
            3,
        ),
        (answer(429, text="slow down", headers={"ratelimit-reset": "5"}), "rate limit exceeded", 5),
    ],
)
def test_says_when_to_come_again(given: ProviderAnswer, reason: str, seconds: int | None) -> None:
    wait = None if seconds is None else timedelta(seconds=seconds)

    assert RESEND.outcome(given) == refusal(Verdict.RETRY, reason, wait)


def test_the_reset_of_a_limit_that_was_not_exceeded_is_nothing_to_wait_for() -> None:
    assert RESEND.outcome(answer(503, headers={"ratelimit-reset": "1"})).retry_after is None


@pytest.mark.parametrize(
    "now, wait",
    [
        (NOW, timedelta(hours=12)),
        (NOW.replace(hour=23, minute=59, second=59), timedelta(seconds=1)),
        (NOW.replace(hour=0), timedelta(hours=24)),
        (datetime.fromisoformat("2026-12-31T23:30:00+01:00"), timedelta(hours=1, minutes=30)),
    ],
)
def test_a_daily_quota_begins_again_at_midnight_utc(now: datetime, wait: timedelta) -> None:
    given = ProviderAnswer(429, now, {"retry-after": "1"}, "", {"name": "daily_quota_exceeded"})

    assert RESEND.outcome(given) == refusal(Verdict.PROVIDER_REFUSED, "daily quota exceeded", wait)


def test_a_mail_that_is_being_sent_already_may_be_taken_and_is_not_for_another_provider() -> None:
    outcome = RESEND.outcome(error(409, "concurrent_idempotent_requests"))

    assert outcome == refusal(Verdict.UNKNOWN, "being sent already", timedelta(seconds=2))
