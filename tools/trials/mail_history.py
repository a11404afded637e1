"""What became of the mails: lost ones, doubles and what explains them, and mails that were on the wire twice at once."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.end_to_end.sandbox import Attempt
from tools.trials.provider_line import EndedBy, Exchange

JUST_AFTER_SECONDS = 1.0
"""For so long after an answer a service that dies may not have written the answer down."""

PATIENCE_SECONDS = 9.5
"""A service that gives up an answer by itself has waited for at least so long."""


@dataclass(frozen=True, slots=True)
class Kill:
    service: str
    at: float


@dataclass
class MailHistory:
    """`exchanges` is what went over the lines, `handed_in` the provider's own record, `kills` what we did."""

    exchanges: Iterable[Exchange]
    handed_in: Sequence[Attempt]
    kills: Sequence[Kill]
    _by_mail: dict[str, list[Exchange]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_mail = defaultdict(list)
        for exchange in sorted(self.exchanges, key=lambda each: each.began_at):
            self._by_mail[exchange.mail_id].append(exchange)

    def lost(self, addresses: Iterable[str]) -> list[str]:
        """Those of the addresses that the provider has accepted no mail for."""
        return sorted(set(addresses) - {self._by_mail[mail_id][0].address for mail_id in self._copies()})

    def mails_to(self) -> Counter[str]:
        """By address, how many different mails were handed in for it."""
        return Counter(exchanges[0].address for exchanges in self._by_mail.values())

    def doubles(self) -> int:
        """How many copies the provider has accepted besides the first ones."""
        return sum(copies - 1 for copies in self._copies().values())

    def with_several_codes(self) -> list[str]:
        """The mails whose attempts did not all bear one code."""
        codes = defaultdict(set)
        for exchange in self._all():
            codes[exchange.mail_id].add(exchange.code)
        for mail in self.handed_in:
            if mail.accepted:
                codes[mail.mail_id].add(mail.code)
        return sorted(mail_id for mail_id, known in codes.items() if len(known) > 1)

    def explanations(self) -> Counter[str]:
        """Of the attempts that another one followed though the provider had or may have had the mail: why."""
        return Counter(
            explanation
            for exchanges in self._by_mail.values()
            for exchange in exchanges[:-1]
            if (explanation := self._why_repeated(exchange))
        )

    def unexplained(self) -> list[str]:
        """What was repeated without need, and copies beyond the repetitions that there was a reason for."""
        found, copies = [], self._copies()
        for mail_id, exchanges in self._by_mail.items():
            reasons = [self._why_repeated(exchange) for exchange in exchanges[:-1]]
            if None in reasons:
                found.append(f"{mail_id} was repeated after {exchanges[reasons.index(None)]}")
            if copies[mail_id] - 1 > sum(bool(reason) for reason in reasons):
                found.append(f"{mail_id} was accepted {copies[mail_id]} times")
        return found

    def together(self) -> list[str]:
        """The mails that were on the wire twice at once."""
        return [
            f"{mail_id}: {first} and {second}"
            for mail_id, exchanges in self._by_mail.items()
            for first, second in itertools.pairwise(exchanges)
            if first.ended_at is None or first.ended_at > second.began_at
        ]

    def _why_repeated(self, exchange: Exchange) -> str | None:
        """Empty, if the provider said that it had not taken the mail; None, if there is no reason."""
        if exchange.ended_by is EndedBy.ANSWER:
            if not exchange.is_accepted:
                return ""
            return "killed before the answer was recorded" if self._killed_after(exchange) else None
        if exchange.ended_by is EndedBy.PROVIDER:
            return "the provider cut the connection"
        if exchange.ended_by is EndedBy.LINE:
            return "the line was cut"
        if self._killed_after(exchange):
            return "killed while it waited"
        return "no answer in time" if _seconds(exchange) > PATIENCE_SECONDS else None

    def _killed_after(self, exchange: Exchange) -> bool:
        ended_at = exchange.ended_at or 0.0
        return any(
            kill.service == exchange.service and abs(ended_at - kill.at) < JUST_AFTER_SECONDS
            for kill in self.kills
        )

    def _copies(self) -> Counter[str]:
        return Counter(mail.mail_id for mail in self.handed_in if mail.accepted)

    def _all(self) -> Iterable[Exchange]:
        return (exchange for exchanges in self._by_mail.values() for exchange in exchanges)


def _seconds(exchange: Exchange) -> float:
    return (exchange.ended_at or exchange.began_at) - exchange.began_at
