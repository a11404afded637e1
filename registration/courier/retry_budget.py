from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

FREE_RETRIES_PER_SECOND = 10.0
BURST = 50.0


@dataclass(slots=True)
class RetryBudget:
    """Spreads a provider's retries out, so that they never become the load that keeps it down. It refuses none.

    Ten retries a second are free, and each accepted mail earns one more.
    """

    monotonic: Callable[[], float]
    _tokens: float = field(default=BURST, init=False)
    _counted_at: float | None = field(default=None, init=False)

    def earn(self) -> None:
        """A mail was accepted."""
        self._refill()
        self._tokens = min(self._tokens + 1, BURST)

    def spend(self) -> timedelta:
        """Take a retry's share; return how much later than otherwise the retry is to be."""
        self._refill()
        self._tokens -= 1
        return timedelta(seconds=max(-self._tokens, 0.0) / FREE_RETRIES_PER_SECOND)

    def _refill(self) -> None:
        now = self.monotonic()
        if self._counted_at is not None:
            earned = (now - self._counted_at) * FREE_RETRIES_PER_SECOND
            self._tokens = min(self._tokens + earned, BURST)
        self._counted_at = now
