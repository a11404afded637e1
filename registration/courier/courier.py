import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import structlog

from registration.courier.rendering import Renderer
from registration.courier.retry_schedule import delay_before_retry
from registration.domain.activation_code import derive_code
from registration.domain.errors import Unavailable
from registration.domain.mail import MailKind
from registration.domain.policy import MAIL_DEADLINE, Policy
from registration.ports import CodeKeys, MailApi, Message, Outbox, Outcome, OutgoingMail, Verdict

SWEEP_SECONDS = 1.0
LAST_ATTEMPT = MAIL_DEADLINE - timedelta(seconds=15)
"""An attempt that began later could end with a code that is dead already."""

PROVIDER_FAULTS = frozenset({Verdict.RETRY, Verdict.PROVIDER_REFUSED, Verdict.UNKNOWN})

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Courier:
    """Gets the mails in the outbox to the provider: the fresh at once, the others when they are due."""

    def __init__(
        self,
        outbox: Outbox,
        provider: MailApi,
        renderer: Renderer,
        code_keys: CodeKeys,
        policy: Policy,
        *,
        concurrency: int = 20,
    ) -> None:
        self._outbox = outbox
        self._provider = provider
        self._renderer = renderer
        self._code_keys = code_keys
        self._policy = policy
        self._concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._stopping = asyncio.Event()
        self.provider_is_down = False

    async def deliver(self, mail_id: UUID) -> None:
        """Send a mail that this process has just committed and holds; a MailDelivery."""
        async with self._slots:
            if mail := await self._outbox.take_fresh(mail_id):
                await self._attempt(mail)

    async def sweep(self) -> int:
        """Send what is due and return how much that was."""
        mails = await self._outbox.claim_due(self._concurrency)
        await asyncio.gather(*(self._within_slot(mail) for mail in mails))
        return len(mails)

    async def run(self) -> None:
        """Sweep again and again, until stopped."""
        while not self._stopping.is_set():
            swept = 0
            try:
                swept = await self.sweep()
            except Unavailable:
                pass  # the database has logged it
            except Exception:
                log.exception("sweep_failed")
            if not swept:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), SWEEP_SECONDS)

    def stop(self) -> None:
        """Have `run` return after its present sweep."""
        self._stopping.set()

    async def _within_slot(self, mail: OutgoingMail) -> None:
        async with self._slots:
            await self._attempt(mail)

    async def _attempt(self, mail: OutgoingMail) -> None:
        if mail.age >= LAST_ATTEMPT:
            await self._outbox.fail(mail, mail.reason or "out of time")
        elif not mail.is_wanted:
            await self._outbox.drop(mail, "no longer wanted")
        else:
            message = await self._render(mail)
            outcome = await self._provider.send(message)
            self.provider_is_down = outcome.verdict in PROVIDER_FAULTS
            await self._record(mail, outcome, answered_at=time.monotonic())
            log.info(
                "mail_attempted",
                mail_id=str(mail.id),
                kind=mail.kind.value,
                provider=self._provider.name,
                outcome=outcome.verdict.value,
                reason=outcome.reason,
                request_id=mail.request_id,
            )

    async def _render(self, mail: OutgoingMail) -> Message:
        code = None
        if mail.kind is MailKind.ACTIVATION_CODE:
            key = await self._code_keys.code_key(mail.code_key_id)
            code = derive_code(key, mail.id, mail.credential_id, self._policy.code_digits)
        return self._renderer.render(mail, code, self._policy.code_ttl // timedelta(seconds=1))

    async def _record(self, mail: OutgoingMail, outcome: Outcome, answered_at: float) -> None:
        match outcome.verdict:
            case Verdict.ACCEPTED:
                await _until_available(lambda: self._accept(mail, outcome, answered_at), mail)
            case Verdict.RECIPIENT_REJECTED | Verdict.MESSAGE_REJECTED:
                await _until_available(lambda: self._outbox.fail(mail, outcome.reason), mail)
            case Verdict.RETRY | Verdict.PROVIDER_REFUSED | Verdict.UNKNOWN:
                after = delay_before_retry(mail.attempts, outcome.retry_after, mail.age, random.uniform)
                provider = self._provider.name if outcome.verdict is Verdict.UNKNOWN else None
                await self._outbox.retry(mail, after, outcome.reason, maybe_sent_by=provider)

    async def _accept(self, mail: OutgoingMail, outcome: Outcome, answered_at: float) -> None:
        """The user's minute begins when the answer came, however long the database takes to hear of it."""
        ago = timedelta(seconds=time.monotonic() - answered_at)
        await self._outbox.accept(mail, self._provider.name, outcome.message_id, ago)


async def _until_available(record: Callable[[], Awaitable[None]], mail: OutgoingMail) -> None:
    """What the provider has done stays true while the database is away; so keep it until it can be written."""
    left = (MAIL_DEADLINE - mail.age).total_seconds()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(left):
            while True:
                try:
                    return await record()
                except Unavailable:
                    await asyncio.sleep(SWEEP_SECONDS)
    log.error("mail_outcome_not_recorded", mail_id=str(mail.id))
    return None
