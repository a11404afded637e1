"""Mails as the rules know them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from registration.domain.mail import Mail, MailState

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
CREDENTIAL = UUID(int=7)


def mail(**told: Any) -> Mail:
    """One that waits for its next attempt, but for what is told."""
    usual: dict[str, Any] = {
        "id": uuid4(),
        "credential_id": CREDENTIAL,
        "code_key_id": 1,
        "language": "en",
        "created_at": NOW,
        "state": MailState.QUEUED,
        "accepted_at": None,
        "is_claimed": False,
        "maybe_sent": False,
        "voided": False,
        "by_this_client": True,
    }
    return Mail(**usual | told)


def accepted(at: datetime = NOW) -> Mail:
    return mail(state=MailState.ACCEPTED, accepted_at=at)
