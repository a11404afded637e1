import json

import pytest

from registration.adapters.mail.postmark import Postmark
from registration.adapters.mail.provider import ProviderAnswer
from registration.adapters.mail.sender import parse_sender
from registration.domain.email_address import EmailAddress
from registration.ports import Outcome, Verdict
from tests.unit.mail.examples import MAIL_ID, MESSAGE, accepted, answer, message, refusal, settings

POSTMARK = Postmark.from_settings(settings(api_key="server-token"))


def test_the_request_is_what_postmark_reads() -> None:
    request = POSTMARK.request(MESSAGE)

    assert request.url == "http://provider.test/email"
    assert request.headers == {
        "X-Postmark-Server-Token": "server-token",
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    assert json.loads(request.body) == {
        "From": "Example App <login@mail.example.com>",
        "To": "zoe@example.org",
        "Subject": "Your activation code",
        "TextBody": "Here it is:\n\n0042\n",
        "HtmlBody": "<p>0042</p>",
        "MessageStream": "outbound",
        "Tag": "activation-code",
        "Metadata": {"mail_id": str(MAIL_ID), "request_id": "req-1"},
        "Headers": [
            {"Name": "X-Mail-ID", "Value": str(MAIL_ID)},
            {"Name": "Auto-Submitted", "Value": "auto-generated"},
            {"Name": "X-Request-ID", "Value": "req-1"},
        ],
        "TrackOpens": False,
        "TrackLinks": "None",
    }


def test_without_a_url_it_is_postmarks_own() -> None:
    assert Postmark.from_settings(settings(api_url=None)).url == "https://api.postmarkapp.com/email"


def test_names_and_addresses_are_utf_8_and_a_name_with_a_comma_is_in_quotes() -> None:
    postmark = Postmark.from_settings(settings(sender=parse_sender("Müller, Söhne & Co <login@example.com>")))
    document = json.loads(postmark.request(message(to=EmailAddress("zoë@example.org"))).body)

    assert document["From"] == '"Müller, Söhne & Co" <login@example.com>'
    assert document["To"] == "zoë@example.org"


def test_metadata_is_no_longer_than_postmark_may_take() -> None:
    document = json.loads(POSTMARK.request(message(request_id="r" * 128)).body)

    assert document["Metadata"]["request_id"] == "r" * 80


def error(code: object, text: str = "zoe@example.org", status: int = 422) -> ProviderAnswer:
    return answer(status, {"ErrorCode": code, "Message": text})


OK = {"To": "zoe@example.org", "SubmittedAt": "2026-11-22T12:00:00Z", "ErrorCode": 0, "Message": "OK"}
ID = "0a129aee-e1cd-480d-b08d-4f48548ff48d"


@pytest.mark.parametrize(
    "given, outcome",
    [
        (answer(200, OK | {"MessageID": ID}), accepted(ID)),
        (answer(200, {"MessageID": ID, "Message": "OK, but delivery may be delayed."}), accepted(ID)),
        (answer(200, OK), accepted(None)),
        (answer(200, text="<html>"), accepted(None)),
        (answer(200), accepted(None)),
        (answer(200, ["OK"]), accepted(None)),
    ],
)
def test_an_answer_without_an_error_code_is_an_acceptance(given: ProviderAnswer, outcome: Outcome) -> None:
    assert POSTMARK.outcome(given) == outcome


@pytest.mark.parametrize(
    "given, verdict, reason",
    [
        (
            answer(200, OK | {"Message": "OK, but will not deliver to these inactive addresses: z@e.org."}),
            Verdict.RECIPIENT_REJECTED,
            "recipient suppressed",
        ),
        (error(406, status=200), Verdict.RECIPIENT_REJECTED, "recipient suppressed"),
        (error(405, status=200), Verdict.PROVIDER_REFUSED, "out of credits"),
        (error(9999, status=200), Verdict.MESSAGE_REJECTED, "error code with a success status"),
        (error(-1, status=202), Verdict.MESSAGE_REJECTED, "error code with a success status"),
    ],
)
def test_a_success_can_be_a_refusal(given: ProviderAnswer, verdict: Verdict, reason: str) -> None:
    assert POSTMARK.outcome(given) == refusal(verdict, reason)


@pytest.mark.parametrize(
    "given, verdict, reason",
    [
        (error(10, status=401), Verdict.PROVIDER_REFUSED, "server token refused"),
        (error(100), Verdict.RETRY, "maintenance"),
        (error(300, "Invalid 'To' address: 'z'."), Verdict.RECIPIENT_REJECTED, "recipient's address refused"),
        (
            error(300, "Error parsing 'To': Illegal email domain 'x' in address 'z@x'."),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (error(300, "Invalid 'From' address: 'a'."), Verdict.PROVIDER_REFUSED, "sender's address refused"),
        (error(300, "Invalid metadata content."), Verdict.MESSAGE_REJECTED, "invalid request"),
        (error(300, "Error parsing 'Reply-To': …"), Verdict.MESSAGE_REJECTED, "invalid request"),
        (answer(422, {"ErrorCode": 300, "Message": ["x"]}), Verdict.MESSAGE_REJECTED, "invalid request"),
        (error(400), Verdict.PROVIDER_REFUSED, "sender signature not found"),
        (error(401), Verdict.PROVIDER_REFUSED, "sender signature not confirmed"),
        (error(402), Verdict.MESSAGE_REJECTED, "not JSON"),
        (error(403), Verdict.MESSAGE_REJECTED, "not the JSON that it should be"),
        (error(405), Verdict.PROVIDER_REFUSED, "out of credits"),
        (error(406), Verdict.RECIPIENT_REJECTED, "recipient suppressed"),
        (error(409, status=415), Verdict.MESSAGE_REJECTED, "wrong content type"),
        (error(410), Verdict.MESSAGE_REJECTED, "too many messages"),
        (error(411), Verdict.MESSAGE_REJECTED, "forbidden attachment"),
        (error(412), Verdict.PROVIDER_REFUSED, "account not approved yet"),
        (error(413), Verdict.PROVIDER_REFUSED, "account may not send"),
        (error(1235), Verdict.PROVIDER_REFUSED, "message stream not found"),
        (error(1236), Verdict.PROVIDER_REFUSED, "message stream not for sending"),
        (error(9999), Verdict.MESSAGE_REJECTED, "status 422"),
        (error("406"), Verdict.MESSAGE_REJECTED, "status 422"),
        (error(True), Verdict.MESSAGE_REJECTED, "status 422"),
        (error([406]), Verdict.MESSAGE_REJECTED, "status 422"),
        (answer(401, text="no"), Verdict.PROVIDER_REFUSED, "status 401"),
        (answer(413), Verdict.MESSAGE_REJECTED, "status 413"),
        (answer(429), Verdict.RETRY, "status 429"),
        (error(9999, status=500), Verdict.UNKNOWN, "status 500"),
        (answer(502, text="<html>"), Verdict.UNKNOWN, "status 502"),
        (answer(503), Verdict.RETRY, "status 503"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(given: ProviderAnswer, verdict: Verdict, reason: str) -> None:
    assert POSTMARK.outcome(given) == refusal(verdict, reason)
