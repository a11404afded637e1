from collections.abc import Callable
from dataclasses import dataclass, field

from registration.ports import Outcome, Verdict

FAILURES_IN_A_ROW = 10
"""A provider that fails a third of the time has such a row once in 59 000 attempts; one that is down, at once."""

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 5.0
REFUSED_WAIT_SECONDS = 30.0
"""What an operator has to mend is not mended sooner by asking more often; and no mail lives longer than minutes."""

LONGEST_PAUSE_SECONDS = 60.0
RECENTLY_SECONDS = 10.0

FAILURES = frozenset({Verdict.RETRY, Verdict.UNKNOWN, Verdict.PROVIDER_REFUSED})


@dataclass(slots=True)
class Breaker:
    """Keeps mails from a provider that is down or refuses everything, and finds out when it is well again.

    Open, it lets one attempt through at a time, as a probe, after waits that grow. It also keeps the pause that a
    provider asks for. Not shared between processes: each finds out for itself within a few attempts.
    """

    monotonic: Callable[[], float]
    _failures: int = field(default=0, init=False)
    _is_open: bool = field(default=False, init=False)
    _wait: float = field(default=0.0, init=False)
    _closed_until: float = field(default=0.0, init=False)
    _probing: bool = field(default=False, init=False)
    _was_well_at: float | None = field(default=None, init=False)

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def looks_down(self) -> bool:
        """Whether the provider takes nothing at present, as far as anybody has tried."""
        if self._is_open:
            return True
        took_one_lately = (
            self._was_well_at is not None and self.monotonic() - self._was_well_at < RECENTLY_SECONDS
        )
        return self._failures > 0 and not took_one_lately

    def seconds_until_ready(self) -> float:
        """How long no attempt may be made; 0 if one may be made now."""
        if self._probing:
            return FIRST_WAIT_SECONDS
        return max(self._closed_until - self.monotonic(), 0.0)

    def try_enter(self) -> bool:
        """Whether an attempt may be made now; every True is followed by `record` or `leave`."""
        if self.seconds_until_ready() > 0:
            return False
        self._probing = self._is_open
        return True

    def leave(self, *, was_probe: bool) -> None:
        """The attempt ended without an outcome."""
        self._probing = self._probing and not was_probe

    def record(self, outcome: Outcome, *, was_probe: bool) -> None:
        """Learn from an attempt's outcome; `was_probe`: it was let through while the breaker was open.

        One that began before says nothing new when it fails, and is as good as a probe when it does not.
        """
        self.leave(was_probe=was_probe)
        if outcome.verdict not in FAILURES:
            self._failures, self._is_open, self._wait = 0, False, 0.0
            self._was_well_at = self.monotonic()
            return
        self._failures += 1
        if outcome.retry_after is not None:
            self._pause(min(outcome.retry_after.total_seconds(), LONGEST_PAUSE_SECONDS))
        if outcome.verdict is Verdict.PROVIDER_REFUSED:
            self._is_open = True
            self._pause(REFUSED_WAIT_SECONDS)
        elif was_probe or (not self._is_open and self._failures >= FAILURES_IN_A_ROW):
            self._is_open = True
            self._wait = min(self._wait * 2 or FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
            self._pause(self._wait)

    def _pause(self, seconds: float) -> None:
        self._closed_until = max(self._closed_until, self.monotonic() + seconds)
