from collections import deque
from dataclasses import dataclass
from datetime import datetime

from registration.sandbox.faults import Fault
from registration.sandbox.mailbox import ReceivedMail
from registration.sandbox.times import rfc3339

CAPACITY = 100_000


@dataclass(slots=True)
class Attempt:
    """One mail handed in, and what became of it. Attempts of one mail have the same `mail_id`."""

    mail_id: str | None
    """The header X-Mail-ID."""
    received_at: datetime
    fault: Fault | None
    message_id: str | None = None
    """What it was accepted as."""
    code: str | None = None

    def accept(self, mail: ReceivedMail) -> None:
        self.message_id, self.code = mail.id, mail.submission.code

    def as_json(self) -> dict[str, object]:
        return {
            "mail_id": self.mail_id,
            "received_at": rfc3339(self.received_at),
            "fault": self.fault,
            "message_id": self.message_id,
            "code": self.code,
        }


class Attempts:
    """The latest attempts, so that a double can be explained by the answer that was lost before it."""

    def __init__(self) -> None:
        self._attempts: deque[Attempt] = deque(maxlen=CAPACITY)

    def add(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)

    def as_json(self) -> list[dict[str, object]]:
        """Oldest first."""
        return [attempt.as_json() for attempt in self._attempts]

    def of(self, mail_id: str | None, message_id: str) -> list[dict[str, object]]:
        """Those of one mail, oldest first: all of its X-Mail-ID; without one, the attempt that became the message."""
        return [
            attempt.as_json()
            for attempt in self._attempts
            if attempt.message_id == message_id or (mail_id is not None and attempt.mail_id == mail_id)
        ]
