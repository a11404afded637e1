from collections.abc import Callable
from datetime import timedelta

from registration.domain.policy import MAIL_DEADLINE

BASE = timedelta(seconds=0.5)
CAP = timedelta(seconds=30)
SPREAD = 0.2
"""Past the time that a provider names, so that not everybody it named it to comes back at once."""

Uniform = Callable[[float, float], float]


def delay_before_retry(
    attempts: int, retry_after: timedelta | None, age: timedelta, uniform: Uniform
) -> timedelta:
    """How long to wait after that many failed attempts: full jitter, never before `retry_after`.

    Never past the mail's deadline, at which it is given up. (M. Brooker, "Exponential Backoff And Jitter", AWS.)
    """
    if retry_after is not None:
        delay = retry_after * (1 + uniform(0, SPREAD))
    else:
        delay = uniform(0, 1) * min(CAP, BASE * 2 ** min(attempts, 10))
    return max(min(delay, MAIL_DEADLINE - age), timedelta())
