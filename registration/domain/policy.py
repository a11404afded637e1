from dataclasses import dataclass
from datetime import timedelta

from registration.domain.quota import Quota

WRONG_CODES_PER_CODE = 3
WRONG_CODES_PER_DAY = Quota(10, timedelta(hours=24))
WRONG_CODES_PER_CLIENT = Quota(5, timedelta(hours=24))
WRONG_CODES_PER_YEAR = Quota(100, timedelta(days=365))
LIVE_CODES = 2
MAIL_DEADLINE = timedelta(minutes=10)
JOIN_WINDOW = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """The figures of the rules that an operator may choose; the others are the constants above."""

    code_digits: int = 4
    code_ttl: timedelta = timedelta(seconds=60)
    mail_cooldown: timedelta = timedelta(seconds=30)
    mails_per_hour: int = 5
    mails_per_day: int = 10
    password_min_length: int = 8
    limits_clients: bool = True
    """Whether one client may cause only a share of an address's mails and wrong codes."""

    @property
    def mail_quotas(self) -> tuple[Quota, ...]:
        return (
            Quota(1, self.mail_cooldown),
            Quota(self.mails_per_hour, timedelta(hours=1)),
            Quota(self.mails_per_day, timedelta(days=1)),
        )

    @property
    def client_mail_quotas(self) -> tuple[Quota, ...]:
        """A client's share: half, rounded up."""
        if not self.limits_clients:
            return ()
        return (
            Quota(-(-self.mails_per_hour // 2), timedelta(hours=1)),
            Quota(-(-self.mails_per_day // 2), timedelta(days=1)),
        )
