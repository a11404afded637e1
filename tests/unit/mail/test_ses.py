import json
from datetime import timedelta
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from botocore.session import Session  # type: ignore[import-untyped]  # botocore has no types
from botocore.validate import ParamValidator  # type: ignore[import-untyped]  # likewise

from registration.adapters.mail.provider import ProviderAnswer
from registration.adapters.mail.provider_settings import InvalidProviderSettings
from registration.adapters.mail.sender import parse_sender
from registration.adapters.mail.ses import Ses
from registration.domain.email_address import EmailAddress
from registration.ports import Outcome, Verdict
from tests.unit.mail.examples import MAIL_ID, MESSAGE, accepted, answer, message, refusal, settings

SES = Ses.from_settings(settings())


def test_the_request_is_what_ses_reads() -> None:
    request = SES.request(MESSAGE)

    assert request.url == "http://provider.test/v2/email/outbound-emails"
    assert request.headers == {"Content-Type": "application/json", "Accept": "application/json"}
    assert json.loads(request.body) == {
        "FromEmailAddress": "Example App <login@mail.example.com>",
        "Destination": {"ToAddresses": ["zoe@example.org"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Your activation code", "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": "Here it is:\n\n0042\n", "Charset": "UTF-8"},
                    "Html": {"Data": "<p>0042</p>", "Charset": "UTF-8"},
                },
                "Headers": [
                    {"Name": "X-Mail-ID", "Value": str(MAIL_ID)},
                    {"Name": "Auto-Submitted", "Value": "auto-generated"},
                    {"Name": "X-Request-ID", "Value": "req-1"},
                ],
            }
        },
        "EmailTags": [
            {"Name": "category", "Value": "activation-code"},
            {"Name": "mail_id", "Value": str(MAIL_ID)},
            {"Name": "request_id", "Value": "req-1"},
        ],
        "ConfigurationOverrides": {
            "Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}
        },
    }


def test_the_request_has_nothing_that_amazon_does_not_know() -> None:
    operation = Session().get_service_model("sesv2").operation_model("SendEmail")
    report = ParamValidator().validate(json.loads(SES.request(MESSAGE).body), operation.input_shape)

    assert (operation.http["method"], operation.http["requestUri"]) == ("POST", "/v2/email/outbound-emails")
    assert not report.has_errors(), report.generate_report()


def test_without_a_url_it_is_amazons_own_in_the_region() -> None:
    url = Ses.from_settings(settings(api_url=None)).url

    assert url == "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails"


@pytest.mark.parametrize(
    "sender, sent",
    [
        ("login@example.com", "login@example.com"),
        ("Miller, Sons & Co <login@example.com>", '"Miller, Sons & Co" <login@example.com>'),
        ('Say "hi" \\o/ <login@example.com>', r'"Say \"hi\" \\o/" <login@example.com>'),
    ],
)
def test_a_name_in_ascii_is_quoted_where_it_has_to_be(sender: str, sent: str) -> None:
    ses = Ses.from_settings(settings(sender=parse_sender(sender)))

    assert json.loads(ses.request(MESSAGE).body)["FromEmailAddress"] == sent


@pytest.mark.parametrize(
    "name", ["Müller", "Müller, Söhne & Co", "例え話、とても長い名前のアプリケーション" * 3]
)
def test_any_other_name_is_encoded(name: str) -> None:
    ses = Ses.from_settings(settings(sender=parse_sender(f"{name} <login@example.com>")))
    sent = json.loads(ses.request(MESSAGE).body)["FromEmailAddress"]
    encoded, address = parseaddr(sent)

    assert sent.isascii()
    assert "\n" not in sent
    assert (str(make_header(decode_header(encoded))), address) == (name, "login@example.com")


def test_a_mailbox_beyond_ascii_is_sent_as_it_is() -> None:
    document = json.loads(SES.request(message(to=EmailAddress("zoë@example.org"))).body)

    assert document["Destination"] == {"ToAddresses": ["zoë@example.org"]}


@pytest.mark.parametrize(
    "changes, problem",
    [
        (
            {"options": {}},
            "region is not set; access_key_id is not set; secret_access_key is not set",
        ),
        (
            {"options": {"region": "eu/west", "access_key_id": "ä", "secret_access_key": "a\nb"}},
            (
                "region must be a region as in `eu-west-1`; "
                "access_key_id may only contain printable ASCII characters; "
                "secret_access_key may only contain printable ASCII characters"
            ),
        ),
        ({"sender": parse_sender("zoë@example.com")}, "from must have an address in ASCII for Amazon SES"),
        *(
            (
                {"api_url": url},
                "api_url must be of nothing but ASCII letters, digits and `.-_~` between slashes",
            )
            for url in (
                "http://h/a%20b",
                "http://bücher.de",
                "http://h/a/../b",
                "http://h/a//b",
                "http://h/.",
            )
        ),
    ],
)
def test_all_that_is_missing_or_wrong_is_said_at_once(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(InvalidProviderSettings) as raised:
        Ses.from_settings(settings(**changes))

    assert str(raised.value) == problem


def error(status: int, kind: str, text: str = "") -> ProviderAnswer:
    return answer(status, {"message": text}, {"x-amzn-errortype": kind})


ID = "0102018f-0000-0000-0000-000000000000-000000"


@pytest.mark.parametrize(
    "given, outcome",
    [
        (answer(200, {"MessageId": ID}), accepted(ID)),
        (answer(200, {"MessageId": ID, "code": "x"}), accepted(ID)),
        (answer(200, {"MessageId": 7.5}), accepted(None)),
        (answer(200, text="<html>"), accepted(None)),
        (answer(200), accepted(None)),
    ],
)
def test_an_acceptance_may_come_without_an_id(given: ProviderAnswer, outcome: Outcome) -> None:
    assert SES.outcome(given) == outcome


THROTTLED = refusal(Verdict.RETRY, "throttled", timedelta(seconds=1))
OVER_QUOTA = refusal(Verdict.PROVIDER_REFUSED, "sending quota exceeded", timedelta(minutes=1))


@pytest.mark.parametrize(
    "given, outcome",
    [
        (error(400, "ThrottlingException", "Maximum sending rate exceeded."), THROTTLED),
        (error(400, "Throttling"), THROTTLED),
        (error(429, "TooManyRequestsException"), THROTTLED),
        (error(200, "ThrottlingException"), THROTTLED),
        (
            answer(429, {}, {"x-amzn-errortype": "TooManyRequestsException", "retry-after": "4"}),
            refusal(Verdict.RETRY, "throttled", timedelta(seconds=4)),
        ),
        (error(400, "ThrottlingException", "Daily message quota exceeded."), OVER_QUOTA),
        (error(429, "TooManyRequestsException", "Daily sending quota exceeded"), OVER_QUOTA),
        (error(400, "LimitExceededException"), OVER_QUOTA),
    ],
)
def test_throttling_may_be_a_400_and_may_be_for_the_day(given: ProviderAnswer, outcome: Outcome) -> None:
    assert SES.outcome(given) == outcome


@pytest.mark.parametrize(
    "given, verdict, reason",
    [
        (error(400, "SendingPausedException"), Verdict.PROVIDER_REFUSED, "sending paused"),
        (error(400, "AccountSuspendedException"), Verdict.PROVIDER_REFUSED, "account suspended"),
        (
            error(400, "MailFromDomainNotVerifiedException"),
            Verdict.PROVIDER_REFUSED,
            "sender's domain not verified",
        ),
        (
            error(400, "MessageRejected", "Email address is not verified. The following identities failed …"),
            Verdict.PROVIDER_REFUSED,
            "address not verified",
        ),
        (
            error(404, "NotFoundException"),
            Verdict.PROVIDER_REFUSED,
            "configuration set or tenant not found",
        ),
        (error(403, "AccessDeniedException"), Verdict.PROVIDER_REFUSED, "access denied"),
        (error(403, "UnrecognizedClientException"), Verdict.PROVIDER_REFUSED, "access key refused"),
        (error(403, "ExpiredTokenException"), Verdict.PROVIDER_REFUSED, "access key refused"),
        (error(400, "IncompleteSignatureException"), Verdict.PROVIDER_REFUSED, "signature refused"),
        (error(403, "InvalidSignatureException"), Verdict.PROVIDER_REFUSED, "signature refused"),
        (error(403, "SignatureDoesNotMatch"), Verdict.PROVIDER_REFUSED, "signature refused"),
        (
            error(400, "RequestExpired"),
            Verdict.PROVIDER_REFUSED,
            "signature too old: is the clock right?",
        ),
        (error(403, "SomethingNewException"), Verdict.PROVIDER_REFUSED, "status 403"),
        *(
            (
                error(400, "BadRequestException", text),
                Verdict.RECIPIENT_REJECTED,
                "recipient's address refused",
            )
            for text in (
                "Local address contains control or whitespace",
                "Domain contains illegal character",
                "Domain starts with dot",
                "Illegal address",
                "Missing final '@domain'",
                "Invalid domain name: 'example.'.",
                "Address length is more than 320 bytes long",
                "1 validation error detected: Value at 'destination.toAddresses.1.member' failed …",
            )
        ),
        (
            error(400, "MessageRejected", "Address length is more than 320 bytes"),
            Verdict.RECIPIENT_REJECTED,
            "recipient's address refused",
        ),
        (error(400, "BadRequestException", "Empty body"), Verdict.MESSAGE_REJECTED, "message rejected"),
        (error(400, "MessageRejected"), Verdict.MESSAGE_REJECTED, "message rejected"),
        (error(400, "ValidationError"), Verdict.MESSAGE_REJECTED, "message rejected"),
        (error(400, "ValidationException"), Verdict.MESSAGE_REJECTED, "message rejected"),
        (error(413, "RequestEntityTooLarge"), Verdict.MESSAGE_REJECTED, "status 413"),
        (error(400, "SomethingNewException"), Verdict.MESSAGE_REJECTED, "status 400"),
        (error(200, "SomethingNewException"), Verdict.MESSAGE_REJECTED, "error with a success status"),
        (error(200, "MessageRejected"), Verdict.MESSAGE_REJECTED, "message rejected"),
        (error(500, "InternalFailure"), Verdict.UNKNOWN, "internal failure"),
        (error(500, "InternalServiceErrorException"), Verdict.UNKNOWN, "internal failure"),
        (answer(500, text="<InternalError/>"), Verdict.UNKNOWN, "status 500"),
        (answer(502), Verdict.UNKNOWN, "status 502"),
        (answer(504), Verdict.UNKNOWN, "status 504"),
        (answer(408), Verdict.UNKNOWN, "request timed out"),
        (error(503, "ServiceUnavailable"), Verdict.RETRY, "service unavailable"),
        (answer(503, text="<html>"), Verdict.RETRY, "status 503"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(given: ProviderAnswer, verdict: Verdict, reason: str) -> None:
    assert SES.outcome(given) == refusal(verdict, reason)


@pytest.mark.parametrize(
    "given",
    [
        error(400, "SendingPausedException"),
        error(400, "SendingPausedException:http://internal.amazon.com/coral/com.amazonaws.sesv2/"),
        error(400, "com.amazonaws.sesv2#SendingPausedException:http://x#y"),
        answer(400, {"__type": "SendingPausedException"}),
        answer(400, {"__type": "com.amazonaws.sesv2#SendingPausedException"}),
        answer(400, {"code": "SendingPausedException"}),
    ],
)
def test_an_errors_type_is_written_in_several_ways(given: ProviderAnswer) -> None:
    assert SES.outcome(given).reason == "sending paused"


def test_the_text_of_an_error_is_written_with_either_letter() -> None:
    given = answer(400, {"__type": "MessageRejected", "Message": "Email address is not verified."})

    assert SES.outcome(given).reason == "address not verified"
