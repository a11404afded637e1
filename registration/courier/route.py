import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from registration.courier.breaker import Breaker
from registration.courier.retry_budget import RetryBudget
from registration.domain.mail import MailKind
from registration.observability import metrics, tracing
from registration.ports import MailApi, Message, Outcome, Verdict

NO_FAILURES = frozenset({Verdict.ACCEPTED, Verdict.RECIPIENT_REJECTED})
"""Of the provider, or of ours."""


@dataclass(frozen=True, slots=True)
class Failure:
    outcome: Outcome
    at: float
    """By the route's clock."""


@dataclass(slots=True)
class Route:
    """A provider with its breaker and its retry budget."""

    provider: MailApi
    monotonic: Callable[[], float] = time.monotonic
    breaker: Breaker = field(init=False)
    budget: RetryBudget = field(init=False)
    last_failure: Failure | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.monotonic)
        self.budget = RetryBudget(self.monotonic)
        for kind, verdict in itertools.product(MailKind, Verdict):
            # There from the start, so that the first one shows as an increase.
            metrics.MAIL_ATTEMPTS.labels(self.provider.name, kind.value, verdict.value)

    async def send(self, message: Message) -> Outcome | None:
        """Make an attempt; None if the provider is not to be asked now."""
        is_probe = self.breaker.is_open
        if not self.breaker.try_enter():
            return None
        began_at = self.monotonic()
        try:
            outcome = await self._ask(message)
        except BaseException:
            self.breaker.leave(was_probe=is_probe)
            raise
        self.breaker.record(outcome, was_probe=is_probe)
        name = self.provider.name
        metrics.MAIL_ATTEMPTS.labels(name, message.kind.value, outcome.verdict.value).inc()
        metrics.MAIL_ATTEMPT_SECONDS.labels(name).observe(self.monotonic() - began_at)
        if outcome.verdict is Verdict.ACCEPTED:
            self.budget.earn()
        if outcome.verdict not in NO_FAILURES:
            self.last_failure = Failure(outcome, self.monotonic())
        return outcome

    async def _ask(self, message: Message) -> Outcome:
        name = self.provider.name
        with tracing.span(f"send by {name}", "client", {"registration.mail.provider": name}) as span:
            outcome = await self.provider.send(message)
            span.set("registration.mail.outcome", outcome.verdict.value)
            span.set("registration.mail.reason", outcome.reason)
            if outcome.verdict is not Verdict.ACCEPTED:
                span.fail(outcome.verdict.value)
            return outcome
