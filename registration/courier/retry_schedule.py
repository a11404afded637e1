from collections.abc import Callable
from datetime import timedelta

from registration.domain.policy import MAIL_DEADLINE

BASE = timedelta(seconds=0.5)
CAP = timedelta(seconds=30)
SPREAD = 0.2
"""Past the time that a provider names, so that not everybody whom it told comes back at once."""

Uniform = Callable[[float, float], float]


def delay_before_retry(
    attempts: int, retry_after: timedelta, spacing: timedelta, age: timedelta, uniform: Uniform
) -> timedelta:
    """How long to wait after that many earlier attempts: full jitter and `spacing`, never before `retry_after`.

    Never past the mail's deadline, at which it is given up. (M. Brooker, "Exponential Backoff And Jitter", AWS.)
    """
    delay = spacing + uniform(0, 1) * min(CAP, BASE * float(2 ** min(attempts, 10)))
    delay = max(delay, retry_after * (1 + uniform(0, SPREAD)))
    return min(delay, max(MAIL_DEADLINE - age, timedelta()))
