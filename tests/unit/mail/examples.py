from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from registration.adapters.mail.provider import ProviderAnswer
from registration.adapters.mail.provider_settings import ProviderSettings
from registration.adapters.mail.sender import Sender
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind
from registration.ports import Message

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
    }
    return ProviderSettings(**values | changes)


def answer(status: int, document: object = None, headers: dict[str, str] | None = None) -> ProviderAnswer:
    return ProviderAnswer(status, NOW, headers or {}, "", document)
