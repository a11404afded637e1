from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from registration.adapters.mail.provider import ProviderAnswer
from registration.adapters.mail.provider_settings import ProviderSettings
from registration.adapters.mail.sender import Sender
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind
from registration.ports import Message, Outcome, Verdict

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SENDER = Sender("Example App", EmailAddress("login@mail.example.com"))
MAIL_ID = UUID("5b2f4a51-9d2e-4f0c-8f0a-3c8f6f9d7e21")
MESSAGE = Message(
    id=MAIL_ID,
    kind=MailKind.ACTIVATION_CODE,
    to=EmailAddress("zoe@example.org"),
    subject="Your activation code",
    text="Here it is:\n\n0042\n",
    html="<p>0042</p>",
    request_id="req-1",
)


def message(**changes: Any) -> Message:
    return replace(MESSAGE, **changes)


def settings(**changes: Any) -> ProviderSettings:
    """Enough for any provider; `changes` are the fields of ProviderSettings."""
    values: dict[str, Any] = {
        "sender": SENDER,
        "api_url": "http://provider.test",
        "api_key": "user:secret-key",
        "options": {
            "region": "eu-west-1",
            "access_key_id": "AKIDEXAMPLE",
            "secret_access_key": "secret-key",
            "domain": "mg.example.com",
        },
    }
    return ProviderSettings(**values | changes)


def answer(
    status: int, document: object = None, headers: dict[str, str] | None = None, text: str = ""
) -> ProviderAnswer:
    return ProviderAnswer(status, NOW, headers or {}, text, document)


def refusal(verdict: Verdict, reason: str, wait: timedelta | None = None) -> Outcome:
    return Outcome(verdict, reason, retry_after=wait)


def accepted(message_id: str | None) -> Outcome:
    return Outcome(Verdict.ACCEPTED, "accepted" if message_id else "accepted without an id", message_id)
