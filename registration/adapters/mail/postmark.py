import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from registration.adapters.mail.outcomes import accepted, outcome_by_status, refused
from registration.adapters.mail.provider import (
    Inquiry,
    ProviderAnswer,
    ProviderRequest,
    mail_headers,
    mail_metadata,
)
from registration.adapters.mail.provider_settings import ProviderSettings
from registration.adapters.mail.sender import Sender
from registration.ports import Message, Outcome, Verdict

INVALID_REQUEST = 300
LONGEST_METADATA_VALUE = 80

OUTCOMES: Mapping[int, tuple[Verdict, str]] = {
    10: (Verdict.PROVIDER_REFUSED, "server token refused"),
    100: (Verdict.RETRY, "maintenance"),
    400: (Verdict.PROVIDER_REFUSED, "sender signature not found"),
    401: (Verdict.PROVIDER_REFUSED, "sender signature not confirmed"),
    402: (Verdict.MESSAGE_REJECTED, "not JSON"),
    403: (Verdict.MESSAGE_REJECTED, "not the JSON that it should be"),
    405: (Verdict.PROVIDER_REFUSED, "out of credits"),
    406: (Verdict.RECIPIENT_REJECTED, "recipient suppressed"),
    409: (Verdict.MESSAGE_REJECTED, "wrong content type"),
    410: (Verdict.MESSAGE_REJECTED, "too many messages"),
    411: (Verdict.MESSAGE_REJECTED, "forbidden attachment"),
    412: (Verdict.PROVIDER_REFUSED, "account not approved yet"),
    413: (Verdict.PROVIDER_REFUSED, "account may not send"),
    1235: (Verdict.PROVIDER_REFUSED, "message stream not found"),
    1236: (Verdict.PROVIDER_REFUSED, "message stream not for sending"),
}
"""By Postmark's own error code, which outranks the status: the status of most is 422, and a refusal's can be 200."""

INVALID: tuple[tuple[re.Pattern[str], Verdict, str], ...] = (
    (
        re.compile(r"(Invalid|Error\s+parsing)\s+'To'", re.IGNORECASE),
        Verdict.RECIPIENT_REJECTED,
        "recipient's address refused",
    ),
    (
        re.compile(r"(Invalid|Error\s+parsing)\s+'From'", re.IGNORECASE),
        Verdict.PROVIDER_REFUSED,
        "sender's address refused",
    ),
)
"""What an invalid request's text says is invalid; nothing else tells."""


@dataclass(frozen=True, slots=True)
class Postmark:
    """Postmark: https://postmarkapp.com/developer/api/email-api. There is nothing that makes a second send harmless."""

    sender: Sender
    url: str
    server_token: str = field(repr=False)
    name: str = field(default="postmark", init=False)
    recognises_repetitions: bool = field(default=False, init=False)

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> "Postmark":
        """The API key is the server's token."""
        with settings.reading() as read:
            url, token = read.url("https://api.postmarkapp.com"), read.key()
        return cls(settings.sender, f"{url}/email", token)

    def inquiry(self) -> Inquiry:
        """Ask for a mail that there is none of, so that the answer names nobody."""
        url = f"{self.url.removesuffix('email')}messages/outbound?count=1&offset=0&metadata_mail_id=none"
        return Inquiry(url, self._authorized() | {"Accept": "application/json"}, shows_key=True)

    def request(self, message: Message) -> ProviderRequest:
        metadata = mail_metadata(message)
        document = {
            "From": self.sender.mailbox,
            "To": message.to.text,
            "Subject": message.subject,
            "TextBody": message.text,
            "HtmlBody": message.html,
            "MessageStream": "outbound",
            "Tag": message.kind.value,
            "Metadata": {name: value[:LONGEST_METADATA_VALUE] for name, value in metadata.items()},
            "Headers": [{"Name": name, "Value": value} for name, value in mail_headers(message).items()],
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        return ProviderRequest.with_json(self.url, self._authorized(), document)

    def outcome(self, answer: ProviderAnswer) -> Outcome:
        code = answer.number_member("ErrorCode") or 0
        if answer.is_success and not code:
            return _accepted(answer)
        if code == INVALID_REQUEST:
            return _invalid(answer)
        if code in OUTCOMES:
            return refused(*OUTCOMES[code], answer)
        if answer.is_success:
            return refused(Verdict.MESSAGE_REJECTED, "error code with a success status", answer)
        return outcome_by_status(answer)

    def _authorized(self) -> dict[str, str]:
        return {"X-Postmark-Server-Token": self.server_token}


def _accepted(answer: ProviderAnswer) -> Outcome:
    """With one recipient, "will not deliver to these inactive addresses" leaves nobody."""
    if "will not deliver" in answer.text_member("Message"):
        return refused(Verdict.RECIPIENT_REJECTED, "recipient suppressed", answer)
    return accepted(answer.identifier("MessageID"))


def _invalid(answer: ProviderAnswer) -> Outcome:
    text = answer.text_member("Message")
    for pattern, verdict, reason in INVALID:
        if pattern.match(text):
            return refused(verdict, reason, answer)
    return refused(Verdict.MESSAGE_REJECTED, "invalid request", answer)
