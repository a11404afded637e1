import time
from collections.abc import Callable
from dataclasses import dataclass, field

from registration.courier.breaker import Breaker
from registration.courier.retry_budget import RetryBudget
from registration.observability import metrics
from registration.ports import MailApi, Message, Outcome, Verdict


@dataclass(slots=True)
class Route:
    """A provider with its breaker and its retry budget."""

    provider: MailApi
    monotonic: Callable[[], float] = time.monotonic
    breaker: Breaker = field(init=False)
    budget: RetryBudget = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.monotonic)
        self.budget = RetryBudget(self.monotonic)

    async def send(self, message: Message) -> Outcome | None:
        """Make an attempt; None if the provider is not to be asked now."""
        is_probe = self.breaker.is_open
        if not self.breaker.try_enter():
            return None
        began_at = self.monotonic()
        try:
            outcome = await self.provider.send(message)
        except BaseException:
            self.breaker.leave(was_probe=is_probe)
            raise
        self.breaker.record(outcome, was_probe=is_probe)
        name = self.provider.name
        metrics.MAIL_ATTEMPTS.labels(name, message.kind.value, outcome.verdict.value).inc()
        metrics.MAIL_ATTEMPT_SECONDS.labels(name).observe(self.monotonic() - began_at)
        if outcome.verdict is Verdict.ACCEPTED:
            self.budget.earn()
        return outcome
