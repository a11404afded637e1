import re
from dataclasses import dataclass, field

from registration.adapters.mail.outcomes import accepted, outcome_by_status, refused
from registration.adapters.mail.provider import (
    Inquiry,
    ProviderAnswer,
    ProviderRequest,
    basic_auth,
    mail_headers,
    mail_metadata,
)
from registration.adapters.mail.provider_settings import ProviderSettings
from registration.adapters.mail.sender import Sender
from registration.ports import Message, Outcome, Verdict

BAD_REQUEST = 400
DOMAIN = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9])*(\.[A-Za-z0-9](-*[A-Za-z0-9])*)+")

REFUSALS: tuple[tuple[re.Pattern[str], Verdict, str], ...] = (
    (
        re.compile(r"\bto'? parameter is (not a valid|missing)", re.IGNORECASE),
        Verdict.RECIPIENT_REJECTED,
        "recipient's address refused",
    ),
    (
        re.compile(r"\bfrom'? parameter is (not a valid|missing)", re.IGNORECASE),
        Verdict.PROVIDER_REFUSED,
        "sender's address refused",
    ),
    (
        re.compile(r"not allowed to send|authorized recipients|activate your", re.IGNORECASE),
        Verdict.PROVIDER_REFUSED,
        "domain may not send",
    ),
)
"""What a refusal's text says; Mailgun has no codes."""


@dataclass(frozen=True, slots=True)
class Mailgun:
    """Mailgun: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages.

    Domains in the EU are reached at https://api.eu.mailgun.net. There is nothing that makes a second send harmless.
    """

    sender: Sender
    url: str
    authorization: str = field(repr=False)
    name: str = field(default="mailgun", init=False)
    recognises_repetitions: bool = field(default=False, init=False)

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> "Mailgun":
        """A domain with a slash would lead to a page that answers 200 and sends nothing; a sender `zoë@`, nowhere."""
        with settings.reading() as read:
            url = read.url("https://api.mailgun.net")
            domain = read.option("domain", DOMAIN, "a domain name in ASCII")
            key, sender = read.key(), read.ascii_sender("Mailgun")
        return cls(sender, f"{url}/v3/{domain}/messages", basic_auth(f"api:{key}"))

    def inquiry(self) -> Inquiry:
        return Inquiry(self.url)

    def request(self, message: Message) -> ProviderRequest:
        sender = self.sender
        fields = {
            "from": sender.ascii_mailbox if sender.name_is_often_garbled else sender.mailbox,
            "to": message.to.text,
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "o:tag": message.kind.value,
            "o:tracking": "no",
            "o:tracking-clicks": "no",
            "o:tracking-opens": "no",
            **{f"h:{name}": value for name, value in mail_headers(message).items()},
            **{f"v:{name}": value for name, value in mail_metadata(message).items()},
        }
        return ProviderRequest.with_form(self.url, {"Authorization": self.authorization}, fields)

    def outcome(self, answer: ProviderAnswer) -> Outcome:
        message = answer.text_member("message")
        if answer.is_success and message.startswith("Queued"):
            return accepted((answer.identifier("id") or "").strip("<>") or None)
        if answer.is_success or answer.status == BAD_REQUEST:
            for pattern, verdict, reason in REFUSALS:
                if pattern.search(message or answer.text):
                    return refused(verdict, reason, answer)
        if answer.is_success:
            return _odd_success(answer)
        return outcome_by_status(answer)


def _odd_success(answer: ProviderAnswer) -> Outcome:
    """Only what says "Queued" is; what says something else may be, unless it is the page at a wrong address."""
    if "Mailgun Magnificent API" in answer.text:
        return refused(Verdict.PROVIDER_REFUSED, "not the address of the API", answer)
    return refused(Verdict.UNKNOWN, "success that does not say Queued", answer)
