"""What the status page is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from registration.observability.snapshot import Snapshot
from registration.overview import Overview
from registration.ports import Backlog, Verdict


@dataclass(frozen=True, slots=True)
class ProviderFailure:
    """An attempt that failed, and not because of whom the mail was for."""

    verdict: Verdict
    reason: str
    ago: timedelta


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A mail provider, as far as this process has tried."""

    name: str
    is_down: bool
    breaker_is_open: bool
    next_attempt_in: timedelta
    """0 if one may be made now."""
    last_failure: ProviderFailure | None


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What this process knows of itself besides its metrics."""

    providers: Sequence[ProviderState]
    hash_threads: int
    since_hash_refused: timedelta | None
    is_stopping: bool


ReadProcessState = Callable[[], ProcessState]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast this process has hashed, within a span of time that ends now."""

    within: timedelta
    hashes: int
    seconds_a_hash: float
    """0 if there were none."""

    @property
    def hashes_a_second(self) -> float:
        seconds = self.within.total_seconds()
        return self.hashes / seconds if seconds else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    backlog: Backlog | None
    """None while the database does not answer."""
    overdue: timedelta | None
    """How long the oldest registration or mail has been past its retention, 0 if none is; None as for the backlog."""
    overview: Overview | None
    """None if it could not be read within a second."""
    process: ProcessState
    metrics: Snapshot
    pace: Pace
    uptime: timedelta
