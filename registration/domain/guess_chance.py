from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from registration.domain.policy import (
    LIVE_CODES,
    WRONG_CODES_PER_CODE,
    WRONG_CODES_PER_DAY,
    WRONG_CODES_PER_YEAR,
    Policy,
)

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GuessChance:
    """How likely somebody activates an address that is not theirs, by guessing its code: at most so, 0 to 1."""

    per_day: float
    """At one address, within any 24 hours."""
    per_year: float
    """At one address, within any 365 days, unless an operator unlocks it meanwhile."""
    mailbox_per_day: float
    """At any `+tag` spelling of one mailbox, with the codes that it is mailed within any 24 hours."""


def guess_chance(policy: Policy) -> GuessChance:
    """What the rules leave to guessing. The chances of single guesses are added up, which is never too little.

    The counts of an address hold for all clients together, so whether one client has only a share of them changes
    nothing here: without shares one client can do what else takes two. Spellings of a mailbox have counts of their own,
    but share its mails; there each code is good for its own guesses.
    """
    return GuessChance(
        per_day=_chance(WRONG_CODES_PER_DAY.count, policy),
        per_year=_chance(WRONG_CODES_PER_YEAR.count, policy),
        mailbox_per_day=_chance(WRONG_CODES_PER_CODE * _mails_per_day(policy), policy),
    )


def _chance(guesses: int, policy: Policy) -> float:
    return guesses * LIVE_CODES / 10.0**policy.code_digits


def _mails_per_day(policy: Policy) -> int:
    """As many mails as the strictest of a mailbox's quotas lets through."""
    return min(quota.count * ceil(DAY / quota.window) for quota in policy.mail_quotas if quota.window)
