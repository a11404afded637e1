import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from registration.admin.figures import Pace
from registration.observability.snapshot import Snapshot

LONGEST_SECONDS = 60.0
SHORTEST_SECONDS = 5.0
"""Less would tell of a few hashes only."""


@dataclass(frozen=True, slots=True)
class _Reading:
    at: float
    hashes: int
    seconds: float


class PaceMeter:
    """Compares the metrics with what they were at an earlier look: a minute ago at most, if anybody looked."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._readings = deque([_Reading(monotonic(), 0, 0.0)])

    def __call__(self, metrics: Snapshot) -> Pace:
        """The pace since that look, or since the start if there was none."""
        now = _Reading(
            self._monotonic(),
            int(metrics.value("registration_hash_seconds_count")),
            metrics.value("registration_hash_seconds_sum"),
        )
        while now.at - self._readings[0].at > LONGEST_SECONDS and self._has_another_before(now):
            self._readings.popleft()
        then = self._readings[0]
        self._readings.append(now)
        hashes = now.hashes - then.hashes
        seconds_a_hash = (now.seconds - then.seconds) / hashes if hashes else 0.0
        return Pace(timedelta(seconds=now.at - then.at), hashes, seconds_a_hash)

    def _has_another_before(self, now: _Reading) -> bool:
        return len(self._readings) > 1 and now.at - self._readings[1].at >= SHORTEST_SECONDS
