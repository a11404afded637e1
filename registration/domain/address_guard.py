from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from registration.domain.errors import RateLimited, TooManyAttempts
from registration.domain.mail import Mail
from registration.domain.policy import (
    WRONG_CODES_PER_CLIENT,
    WRONG_CODES_PER_CODE,
    WRONG_CODES_PER_DAY,
    WRONG_CODES_PER_YEAR,
    Policy,
)
from registration.domain.quota import free_at

LOCKED_RETRY_AFTER = timedelta(days=1)
"""What a caller is told of a lock that only an operator opens."""


@dataclass(frozen=True, slots=True)
class WrongCode:
    """A well-formed code that did not match, shown with the right password while `newest_mail_id` was the newest."""

    id: UUID
    newest_mail_id: UUID
    shown_at: datetime
    by_this_client: bool


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """How many mails an address's mailbox was sent and how many wrong codes were shown for it, and what is left."""

    policy: Policy
    now: datetime
    mails: Sequence[Mail]
    wrong_codes: Sequence[WrongCode]

    def refuse_mail(self) -> None:
        """Raise RateLimited if the mailbox, or this client's share of it, has had its mails."""
        at = self._mail_possible_at()
        if at is not None and at > self.now:
            raise RateLimited(at - self.now)

    def refuse_locked(self) -> None:
        """Raise TooManyAttempts if the day's or the year's wrong codes, or this client's, are spent."""
        if self.is_locked_for_good():
            raise TooManyAttempts(LOCKED_RETRY_AFTER)
        at = self._unlocked_at()
        if at is not None and at > self.now:
            raise TooManyAttempts(at - self.now)

    def refuse_guess(self, newest_mail_id: UUID) -> None:
        """Raise TooManyAttempts if no further code may be tried on the address, or on its newest code."""
        self.refuse_locked()
        if self._wrong_since(newest_mail_id) >= WRONG_CODES_PER_CODE:
            raise TooManyAttempts(self.new_code_at() - self.now)

    def attempts_left(self, newest_mail_id: UUID) -> int:
        """How many more wrong codes the newest code and the day leave."""
        since = self.now - WRONG_CODES_PER_DAY.window
        today = sum(wrong.shown_at > since for wrong in self.wrong_codes)
        return max(
            min(
                WRONG_CODES_PER_CODE - self._wrong_since(newest_mail_id),
                WRONG_CODES_PER_DAY.count - today,
            ),
            0,
        )

    def is_last_guess(self, newest_mail_id: UUID) -> bool:
        """Whether one more wrong code is the last that the live codes bear."""
        return self._wrong_since(newest_mail_id) == WRONG_CODES_PER_CODE - 1

    def has_counted(self, attempt_id: UUID) -> bool:
        return any(wrong.id == attempt_id for wrong in self.wrong_codes)

    def new_code_at(self) -> datetime:
        """From when this client may cause another mail; now, if at once."""
        if self.is_locked_for_good():
            return self.now + LOCKED_RETRY_AFTER
        limits = (self._mail_possible_at(), self._unlocked_at())
        return max((at for at in limits if at is not None and at > self.now), default=self.now)

    def is_locked_for_good(self) -> bool:
        """Whether the year's wrong codes are spent, so that only an operator opens the address again.

        Once reached it stays: nothing can be added afterwards, so the newest hundred keep their distance.
        """
        times = _newest_first(wrong.shown_at for wrong in self.wrong_codes)
        at = WRONG_CODES_PER_YEAR.free_at(times)
        return at is not None and at > times[0]

    def _mail_possible_at(self) -> datetime | None:
        everyone = free_at(self.policy.mail_quotas, _newest_first(mail.created_at for mail in self.mails))
        client = free_at(
            self.policy.client_mail_quotas,
            _newest_first(mail.created_at for mail in self.mails if mail.by_this_client),
        )
        return max((at for at in (everyone, client) if at is not None), default=None)

    def _unlocked_at(self) -> datetime | None:
        everyone = WRONG_CODES_PER_DAY.free_at(_newest_first(wrong.shown_at for wrong in self.wrong_codes))
        client = None
        if self.policy.limits_clients:
            own = _newest_first(wrong.shown_at for wrong in self.wrong_codes if wrong.by_this_client)
            client = WRONG_CODES_PER_CLIENT.free_at(own)
        return max((at for at in (everyone, client) if at is not None), default=None)

    def _wrong_since(self, newest_mail_id: UUID) -> int:
        return sum(wrong.newest_mail_id == newest_mail_id for wrong in self.wrong_codes)


def _newest_first(times: Iterable[datetime]) -> list[datetime]:
    return sorted(times, reverse=True)
