import json
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
    mail_metadata,
)
from registration.adapters.mail.provider_settings import ProviderSettings
from registration.adapters.mail.retry_after import parse_retry_after
from registration.adapters.mail.sender import Sender
from registration.ports import Message, Outcome, Verdict

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
REQUEST_NOT_UNDERSTOOD = frozenset({415, 417, 424})
"""Of every mail alike: no reason to give this one up while another provider may take it."""

LONGEST_NAME = 70
UNTIL_THE_OTHER_IS_DONE = timedelta(seconds=2)

OUTCOMES: Mapping[str, tuple[Verdict, str]] = {
    "unauthorized": (Verdict.PROVIDER_REFUSED, "API key refused"),
    "permission_denied": (Verdict.PROVIDER_REFUSED, "permission denied"),
    "account_under_validation": (Verdict.PROVIDER_REFUSED, "account not approved yet"),
    "not_enough_credits": (Verdict.PROVIDER_REFUSED, "out of credits"),
}
INVALID = frozenset({"invalid_parameter", "missing_parameter", "out_of_range", "bad_request"})

SPEAKS_OF_THE_SENDER = re.compile(r"\bsender\b", re.IGNORECASE)
SPEAKS_OF_THE_RECIPIENT = re.compile(r"\bin to\b|^to is\b|\bemailTo\b|\brecipients?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Brevo:
    """Brevo: https://developers.brevo.com/reference/send-transac-email.

    A mail carries an idempotency key, but a repetition is not relied on to be recognised: Brevo's guide and its
    libraries write the key's name in three ways. Whether opens and clicks are tracked is a property of the account
    there; a request cannot say.
    """

    sender: Sender
    url: str
    api_key: str = field(repr=False)
    name: str = field(default="brevo", init=False)
    recognises_repetitions: bool = field(default=False, init=False)

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> "Brevo":
        with settings.reading() as read:
            url, key = read.url("https://api.brevo.com"), read.key()
            if len(_name(settings.sender)) > LONGEST_NAME:
                read.refuse(
                    "from", f"must have a name of at most {LONGEST_NAME} characters for Brevo, once encoded"
                )
        return cls(settings.sender, f"{url}/v3/smtp/email", key)

    def inquiry(self) -> Inquiry:
        return Inquiry(self.url)

    def request(self, message: Message) -> ProviderRequest:
        document = {
            "sender": _person(self.sender.address.text, _name(self.sender)),
            "to": [_person(message.to.text)],
            "subject": message.subject,
            "textContent": message.text,
            "htmlContent": message.html,
            "tags": [message.kind.value],
            "headers": {
                # Names in Title-Case; values in ASCII: others leave as they are, and may bounce.
                **{name.title(): value for name, value in mail_headers(message).items()},
                "X-Mailin-custom": json.dumps(mail_metadata(message), separators=(",", ":")),
                "idempotencyKey": str(message.id),
            },
        }
        return ProviderRequest.with_json(self.url, {"api-key": self.api_key}, document)

    def outcome(self, answer: ProviderAnswer) -> Outcome:
        message_id, code = answer.identifier("messageId"), answer.text_member("code").lower()
        if answer.is_success and message_id:
            return accepted(message_id)
        if code == "duplicate_parameter":  # an earlier attempt with our key was processed
            return Outcome(Verdict.ACCEPTED, "accepted before")
        if code == "duplicate_request":
            return refused(Verdict.UNKNOWN, "being sent already", answer, UNTIL_THE_OTHER_IS_DONE)
        if code in INVALID:
            return _invalid(answer)
        if code in OUTCOMES:
            return refused(*OUTCOMES[code], answer)
        return _by_status(answer)


def _name(sender: Sender) -> str:
    """Brevo drops a name with both letters beyond ASCII and a comma, unless it comes encoded."""
    return sender.encoded_name if sender.name_is_often_garbled else sender.name


def _person(address: str, name: str = "") -> dict[str, str]:
    return {"email": address, "name": name} if name else {"email": address}


def _invalid(answer: ProviderAnswer) -> Outcome:
    text = answer.text_member("message")
    if SPEAKS_OF_THE_SENDER.search(text):
        return refused(Verdict.PROVIDER_REFUSED, "sender refused", answer)
    if SPEAKS_OF_THE_RECIPIENT.search(text):
        return refused(Verdict.RECIPIENT_REJECTED, "recipient's address refused", answer)
    return refused(Verdict.MESSAGE_REJECTED, "invalid parameter", answer)


def _by_status(answer: ProviderAnswer) -> Outcome:
    if answer.status == TOO_MANY_REQUESTS:
        wait = parse_retry_after(answer.headers.get("x-sib-ratelimit-reset"), answer.received_at)
        return refused(Verdict.RETRY, "rate limit exceeded", answer, wait)
    if answer.status in REQUEST_NOT_UNDERSTOOD:
        return refused(Verdict.PROVIDER_REFUSED, f"status {answer.status}", answer)
    if answer.status >= SERVER_ERROR:  # 503 too: a gateway says it also of a connection that broke midway
        return refused(Verdict.UNKNOWN, f"status {answer.status}", answer)
    return outcome_by_status(answer)
