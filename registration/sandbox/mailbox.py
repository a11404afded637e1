import secrets
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from registration.sandbox.changes import Changes
from registration.sandbox.handed_in import HandedIn
from registration.sandbox.submission import Submission

CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail that was accepted; a double is one of its own."""

    id: str
    number: int
    """How many had been accepted with it since the sandbox was started."""
    received_at: datetime
    submission: Submission
    handed_in: HandedIn
    answered: bool
    """Whether the sender could learn that it was accepted."""


class Mailbox:
    """The latest mails, in memory; those beyond its capacity are forgotten, the oldest first."""

    def __init__(self, changes: Changes, capacity: int = CAPACITY) -> None:
        self._changes = changes
        self._capacity = capacity
        self._mails: OrderedDict[str, ReceivedMail] = OrderedDict()
        self._accepted = 0
        self.removals = 0
        """How often mails have been removed on request."""

    def __len__(self) -> int:
        return len(self._mails)

    def add(
        self, submission: Submission, received_at: datetime, handed_in: HandedIn, *, answered: bool
    ) -> ReceivedMail:
        self._accepted += 1
        mail = ReceivedMail(
            secrets.token_hex(11), self._accepted, received_at, submission, handed_in, answered
        )
        self._mails[mail.id] = mail
        if len(self._mails) > self._capacity:
            self._mails.popitem(last=False)
        self._changes.announce()
        return mail

    def get(self, mail_id: str) -> ReceivedMail | None:
        return self._mails.get(mail_id)

    def newest(self, start: int, limit: int) -> Sequence[ReceivedMail]:
        """Newest first."""
        return list(islice(reversed(self._mails.values()), start, start + limit))

    def after(self, number: int, limit: int) -> Sequence[ReceivedMail]:
        """The mails after the one of that number, oldest first; of many, the newest `limit`."""
        newer = takewhile(lambda mail: mail.number > number, reversed(self._mails.values()))
        return list(islice(newer, limit))[::-1]

    def remove(self, mail_ids: Iterable[str]) -> None:
        for mail_id in mail_ids:
            self._mails.pop(mail_id, None)
        self._announce_removal()

    def empty(self) -> None:
        self._mails.clear()
        self._announce_removal()

    def _announce_removal(self) -> None:
        self.removals += 1
        self._changes.announce()
