import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from registration.adapters.mail.outcomes import accepted, outcome_by_status, refused
from registration.adapters.mail.provider import (
    Inquiry,
    ProviderAnswer,
    ProviderRequest,
    mail_headers,
    mail_labels,
)
from registration.adapters.mail.provider_settings import ProviderSettings
from registration.adapters.mail.sender import Sender
from registration.adapters.mail.sigv4 import SignatureV4
from registration.ports import Message, Outcome, Verdict

REQUEST_TIMEOUT = 408

REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
SIGNABLE_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
"""What no HTTP client writes in another way than it was signed."""

WHEN_THROTTLED = timedelta(seconds=1)
WHEN_OVER_QUOTA = timedelta(minutes=1)
"""The quota is of the last 24 hours, so that each minute frees a part of it."""

OUTCOMES: Mapping[str, tuple[Verdict, str]] = {
    "SendingPaused": (Verdict.PROVIDER_REFUSED, "sending paused"),
    "AccountSuspended": (Verdict.PROVIDER_REFUSED, "account suspended"),
    "MailFromDomainNotVerified": (Verdict.PROVIDER_REFUSED, "sender's domain not verified"),
    "NotFound": (Verdict.PROVIDER_REFUSED, "configuration set or tenant not found"),
    "UnknownOperation": (Verdict.PROVIDER_REFUSED, "no such endpoint"),
    "AccessDenied": (Verdict.PROVIDER_REFUSED, "access denied"),
    "NotAuthorized": (Verdict.PROVIDER_REFUSED, "access denied"),
    "OptInRequired": (Verdict.PROVIDER_REFUSED, "access denied"),
    "UnrecognizedClient": (Verdict.PROVIDER_REFUSED, "access key refused"),
    "InvalidClientTokenId": (Verdict.PROVIDER_REFUSED, "access key refused"),
    "MissingAuthenticationToken": (Verdict.PROVIDER_REFUSED, "access key refused"),
    "ExpiredToken": (Verdict.PROVIDER_REFUSED, "access key refused"),
    "IncompleteSignature": (Verdict.PROVIDER_REFUSED, "signature refused"),
    "InvalidSignature": (Verdict.PROVIDER_REFUSED, "signature refused"),
    "SignatureDoesNotMatch": (Verdict.PROVIDER_REFUSED, "signature refused"),
    "RequestExpired": (Verdict.PROVIDER_REFUSED, "signature too old: is the clock right?"),
    "ServiceUnavailable": (Verdict.RETRY, "service unavailable"),
    "InternalFailure": (Verdict.UNKNOWN, "internal failure"),
    "InternalServiceError": (Verdict.UNKNOWN, "internal failure"),
}
"""By the error's type, without "Exception" at its end. It outranks the status, which is 400 for most."""

THROTTLED = frozenset({"TooManyRequests", "Throttling"})
REJECTED = frozenset({"MessageRejected", "BadRequest", "Validation", "ValidationError"})

OVER_QUOTA = re.compile(r"\bdaily\b.{1,40}\bquota\b", re.IGNORECASE)
NOT_VERIFIED = re.compile(r"\bnot verified\b", re.IGNORECASE)
SPEAKS_OF_AN_ADDRESS = re.compile(
    r"\b(local address|domain (contains|starts|ends)|domain name|illegal address|address length|destination|"
    r"recipient|to ?addresses)\b|final '@domain'",
    re.IGNORECASE,
)
"""The sender's address is ASCII and takes mails out every day; so an address that is refused is the recipient's."""


@dataclass(frozen=True, slots=True)
class Ses:
    """Amazon SES: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html.

    There is nothing that makes a second send harmless. Mailboxes beyond ASCII, as in `zoë@`, are refused there.
    """

    sender: Sender
    url: str
    signature: SignatureV4
    name: str = field(default="ses", init=False)
    recognises_repetitions: bool = field(default=False, init=False)

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> "Ses":
        with settings.reading() as read:
            region = read.option("region", REGION, "a region as in `eu-west-1`")
            url = read.url(f"https://email.{region}.amazonaws.com")
            if not SIGNABLE_URL.fullmatch(url):
                read.refuse(
                    "api_url", "must be of nothing but ASCII letters, digits and `.-_~` between slashes"
                )
            signature = SignatureV4(
                "ses", region, read.secret("access_key_id"), read.secret("secret_access_key")
            )
            sender = read.ascii_sender("Amazon SES")
        return cls(sender, f"{url}/v2/email/outbound-emails", signature)

    def inquiry(self) -> Inquiry:
        return Inquiry(self.url)

    def request(self, message: Message) -> ProviderRequest:
        document = {
            "FromEmailAddress": self.sender.ascii_mailbox,
            "Destination": {"ToAddresses": [message.to.text]},
            "Content": {
                "Simple": {
                    "Subject": _utf8(message.subject),
                    "Body": {"Text": _utf8(message.text), "Html": _utf8(message.html)},
                    "Headers": [
                        {"Name": name, "Value": value} for name, value in mail_headers(message).items()
                    ],
                }
            },
            "EmailTags": [{"Name": name, "Value": value} for name, value in mail_labels(message).items()],
            "ConfigurationOverrides": {
                "Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}
            },
        }
        return ProviderRequest.with_json(self.url, {}, document, self.signature)

    def outcome(self, answer: ProviderAnswer) -> Outcome:
        message_id, kind = answer.identifier("MessageId"), _error_type(answer)
        if answer.is_success and (message_id or not kind):
            return accepted(message_id)
        return _refusal(kind, answer)


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _error_type(answer: ProviderAnswer) -> str:
    """`Throttling` of `com.amazonaws.sesv2#ThrottlingException:http://…`; empty where there is none.

    https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
    """
    kind = (
        answer.headers.get("x-amzn-errortype") or answer.text_member("__type") or answer.text_member("code")
    )
    return kind.partition(":")[0].rpartition("#")[2].strip().removesuffix("Exception")


def _refusal(kind: str, answer: ProviderAnswer) -> Outcome:
    text = answer.text_member("message") or answer.text_member("Message")
    if kind == "LimitExceeded" or (kind in THROTTLED and OVER_QUOTA.search(text)):
        return refused(Verdict.PROVIDER_REFUSED, "sending quota exceeded", answer, WHEN_OVER_QUOTA)
    if kind in THROTTLED:
        return refused(Verdict.RETRY, "throttled", answer, WHEN_THROTTLED)
    if kind in REJECTED:
        return _rejected(text, answer)
    if kind in OUTCOMES:
        return refused(*OUTCOMES[kind], answer)
    return _by_status(answer)


def _by_status(answer: ProviderAnswer) -> Outcome:
    if answer.is_success:
        return refused(Verdict.MESSAGE_REJECTED, "error with a success status", answer)
    if answer.status == REQUEST_TIMEOUT:
        return refused(Verdict.UNKNOWN, "request timed out", answer)
    return outcome_by_status(answer)


def _rejected(text: str, answer: ProviderAnswer) -> Outcome:
    if NOT_VERIFIED.search(text):  # the sender; in an account that is on trial, also the recipient
        return refused(Verdict.PROVIDER_REFUSED, "address not verified", answer)
    if SPEAKS_OF_AN_ADDRESS.search(text):
        return refused(Verdict.RECIPIENT_REJECTED, "recipient's address refused", answer)
    return refused(Verdict.MESSAGE_REJECTED, "message rejected", answer)
