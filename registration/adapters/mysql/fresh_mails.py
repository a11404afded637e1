import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from registration.adapters.mysql import leases
from registration.ports import OutgoingMail


class FreshMails:
    """The mails that this process has just written and holds, so that it need not read them to send them.

    By its own clock, which is read before the database's lease begins: what is held here is held there, too. In so
    short a time only erasure and three wrong codes make a mail unwanted, and those may come while it is sent as well.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._mails: OrderedDict[UUID, tuple[OutgoingMail, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._mails)

    def now(self) -> float:
        """To be read before the mail's transaction begins."""
        return self._monotonic()

    def put(self, mail: OutgoingMail, begun_at: float) -> None:
        """Keep a mail for as long as there is time to send it; whether it is ever committed or not."""
        while self._mails and not self._is_held(next(iter(self._mails.values()))[1]):
            self._mails.popitem(last=False)
        self._mails[mail.id] = mail, begun_at

    def take(self, mail_id: UUID) -> OutgoingMail | None:
        """Return the mail, once; None if it is not here, or too little time is left."""
        mail, begun_at = self._mails.pop(mail_id, (None, 0.0))
        if mail is None or not self._is_held(begun_at):
            return None
        return replace(mail, age=timedelta(seconds=self._monotonic() - begun_at))

    def _is_held(self, begun_at: float) -> bool:
        return self._monotonic() - begun_at < leases.SECONDS - leases.ATTEMPT_SECONDS
