import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from registration.adapters.mail.outcomes import accepted, outcome_by_status, refused
from registration.adapters.mail.provider import (
    Inquiry,
    ProviderAnswer,
    ProviderRequest,
    mail_headers,
    mail_labels,
)
from registration.adapters.mail.provider_settings import ProviderSettings
from registration.adapters.mail.retry_after import parse_retry_after
from registration.adapters.mail.sender import Sender
from registration.ports import Message, Outcome, Verdict

FORBIDDEN = 403
TOO_MANY_REQUESTS = 429
UNTIL_THE_OTHER_IS_DONE = timedelta(seconds=2)

OUTCOMES: Mapping[str, tuple[Verdict, str]] = {
    "validation_error": (Verdict.MESSAGE_REJECTED, "validation error"),
    "missing_required_field": (Verdict.MESSAGE_REJECTED, "required field missing"),
    "invalid_parameter": (Verdict.MESSAGE_REJECTED, "invalid parameter"),
    "invalid_attachment": (Verdict.MESSAGE_REJECTED, "invalid attachment"),
    "invalid_idempotency_key": (Verdict.MESSAGE_REJECTED, "invalid idempotency key"),
    "security_error": (Verdict.MESSAGE_REJECTED, "security error"),
    "missing_api_key": (Verdict.PROVIDER_REFUSED, "API key refused"),
    "restricted_api_key": (Verdict.PROVIDER_REFUSED, "API key refused"),
    "invalid_api_key": (Verdict.PROVIDER_REFUSED, "API key refused"),
    "invalid_from_address": (Verdict.PROVIDER_REFUSED, "sender's address refused"),
    "not_found": (Verdict.PROVIDER_REFUSED, "no such endpoint"),
    "method_not_allowed": (Verdict.PROVIDER_REFUSED, "no such endpoint"),
    "monthly_quota_exceeded": (Verdict.PROVIDER_REFUSED, "monthly quota exceeded"),
    "application_error": (Verdict.UNKNOWN, "application error"),
    "internal_server_error": (Verdict.UNKNOWN, "internal server error"),
}
"""By the error's name. `rate_limit_exceeded` says no more than its status; others that mean more are below."""

SPEAKS_OF_THE_RECIPIENT = re.compile(r"[`'\"]to[`'\"]|\bto field\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resend:
    """Resend: https://resend.com/docs/api-reference/emails/send-email.

    It remembers the key of a request for 24 hours, much longer than a mail lives, and does nothing when it sees it
    again. Whether opens and clicks are tracked is a property of the domain there; a request cannot say.
    """

    sender: Sender
    url: str
    api_key: str = field(repr=False)
    name: str = field(default="resend", init=False)
    recognises_repetitions: bool = field(default=True, init=False)

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> "Resend":
        with settings.reading() as read:
            url, key = read.url("https://api.resend.com"), read.key()
        return cls(settings.sender, f"{url}/emails", key)

    def inquiry(self) -> Inquiry:
        return Inquiry(self.url)

    def request(self, message: Message) -> ProviderRequest:
        headers = {"Authorization": f"Bearer {self.api_key}", "Idempotency-Key": str(message.id)}
        document = {
            "from": self.sender.mailbox,
            "to": [message.to.text],
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": mail_headers(message),
            "tags": [{"name": name, "value": value} for name, value in mail_labels(message).items()],
        }
        return ProviderRequest.with_json(self.url, headers, document)

    def outcome(self, answer: ProviderAnswer) -> Outcome:
        message_id, name = answer.identifier("id"), answer.text_member("name")
        if answer.is_success and message_id:
            return accepted(message_id)
        match name:
            case "invalid_idempotent_request":
                # The first request won, and what it brought is on its way: its bytes were other than these.
                return Outcome(Verdict.ACCEPTED, "accepted before, with other bytes")
            case "concurrent_idempotent_requests":
                return refused(Verdict.UNKNOWN, "being sent already", answer, UNTIL_THE_OTHER_IS_DONE)
            case "daily_quota_exceeded":
                wait = _until_midnight(answer.received_at)
                return Outcome(Verdict.PROVIDER_REFUSED, "daily quota exceeded", retry_after=wait)
            case "validation_error" if answer.status == FORBIDDEN:
                return refused(Verdict.PROVIDER_REFUSED, "sender's domain not verified", answer)
        return _by_name(name, answer)


def _by_name(name: str, answer: ProviderAnswer) -> Outcome:
    if name not in OUTCOMES:
        return _by_status(answer)
    verdict, reason = OUTCOMES[name]
    if verdict is Verdict.MESSAGE_REJECTED and SPEAKS_OF_THE_RECIPIENT.search(answer.text_member("message")):
        return refused(Verdict.RECIPIENT_REJECTED, "recipient's address refused", answer)
    return refused(verdict, reason, answer)


def _by_status(answer: ProviderAnswer) -> Outcome:
    if answer.status == TOO_MANY_REQUESTS:
        wait = parse_retry_after(answer.headers.get("ratelimit-reset"), answer.received_at)
        return refused(Verdict.RETRY, "rate limit exceeded", answer, wait)
    return outcome_by_status(answer)


def _until_midnight(now: datetime) -> timedelta:
    """When Resend's day begins, which is UTC's."""
    now = now.astimezone(UTC)
    return (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0) - now
