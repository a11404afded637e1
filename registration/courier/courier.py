import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from structlog.contextvars import bound_contextvars

from registration.courier.rendering import Renderer
from registration.courier.retry_schedule import delay_before_retry
from registration.courier.route import Route
from registration.domain.activation_code import derive_code
from registration.domain.errors import Unavailable
from registration.domain.mail import MailKind
from registration.domain.policy import MAIL_DEADLINE, Policy
from registration.observability import metrics, tracing
from registration.observability.log_digests import LogDigest, address_fields
from registration.ports import CodeKeys, Message, Outbox, Outcome, OutgoingMail, Verdict

FRESH_CONCURRENCY = 25
BACKLOG_CONCURRENCY = 25
"""Apart from each other: a new user does not wait behind an outage's backlog, nor does a lease run out in a queue."""

SWEEP_SECONDS = 1.0
OVERDUE_SECONDS = 10.0
OVERDUE_LIMIT = 500
LAST_ATTEMPT = MAIL_DEADLINE - timedelta(seconds=15)
"""An attempt that began later could end with a code that is dead already."""

FAIL_OVER_SECONDS = 4.0
"""A second attempt under the same lease begins only if the first took no longer."""

FAILS_OVER = frozenset({Verdict.RETRY, Verdict.PROVIDER_REFUSED})

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Courier:
    """Gets the mails in the outbox to a provider: the fresh at once, the others when they are due.

    Any number of couriers share an outbox. None trusts its memory: what it holds is a lease in the database, so what
    a dead one held is taken up by another when the lease has run out.
    """

    def __init__(
        self,
        outbox: Outbox,
        routes: Sequence[Route],
        renderer: Renderer,
        code_keys: CodeKeys,
        policy: Policy,
        address_digest: LogDigest,
    ) -> None:
        """The first route is used while it is well, the next ones in its place."""
        self._outbox = outbox
        self._routes = routes
        self._renderer = renderer
        self._code_keys = code_keys
        self._policy = policy
        self._address_digest = address_digest
        self._fresh_slots = asyncio.Semaphore(FRESH_CONCURRENCY)
        self._on_the_wire: set[asyncio.Task[None]] = set()
        self._backlog: set[asyncio.Task[None]] = set()
        self._unrecorded: dict[UUID, OutgoingMail] = {}
        self._stopping = asyncio.Event()
        self._overdue_at = 0.0

    @property
    def provider_is_down(self) -> bool:
        """Whether no provider takes mails at present."""
        return all(route.breaker.looks_down for route in self._routes)

    async def deliver(self, mail_id: UUID) -> None:
        """Send a mail that this process has just committed and holds; a MailDelivery."""
        async with self._fresh_slots:
            mail = await self._outbox.take_fresh(mail_id)
            if mail is None:  # it had to wait too long for its place
                await self._outbox.let_go_of_fresh(mail_id)
            elif self._stopping.is_set():
                await self._outbox.give_back([mail])
            else:
                await asyncio.shield(self._start(mail))

    async def run(self) -> None:
        """Send what is due, again and again, until stopped."""
        while not self._stopping.is_set():
            started = 0
            try:
                started = await self.sweep()
            except Unavailable:
                pass  # the database has logged it
            except Exception:
                log.exception("sweep_failed")
            if started:
                await self._wait_for_room()
            else:
                await self._pause(SWEEP_SECONDS)

    def stop(self) -> None:
        """Claim nothing more, have `run` return, and let go of fresh mails."""
        self._stopping.set()

    async def finish(self, timeout_seconds: float) -> None:
        """Wait for what is on the wire; past the time limit cut it off, and leave it to who takes it over."""
        deadline = time.monotonic() + timeout_seconds
        while self._on_the_wire and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(self._on_the_wire, timeout=left)
        abandoned = list(self._on_the_wire)
        for task in abandoned:
            log.warning("mail_abandoned", task=task.get_name())
            task.cancel()
        await asyncio.gather(*abandoned, return_exceptions=True)

    async def sweep(self) -> int:
        """Start sending what is due, as far as there is room; return how many mails that was."""
        await self._fail_overdue()
        room = self._room()
        if not room:
            return 0
        mails = await self._outbox.claim_due(room)
        if self._stopping.is_set():  # meanwhile
            await self._outbox.give_back(mails)
            return 0
        for mail in mails:
            task = self._start(mail)
            self._backlog.add(task)
            task.add_done_callback(self._backlog.discard)
        return len(mails)

    def _start(self, mail: OutgoingMail) -> asyncio.Task[None]:
        """Begin an attempt that nobody's impatience ends but `finish`: what it learns has to be written down."""
        task = asyncio.create_task(self._attempt_safely(mail), name=f"mail {mail.id}")
        self._on_the_wire.add(task)
        task.add_done_callback(self._on_the_wire.discard)
        return task

    def _room(self) -> int:
        """How many mails may be claimed: none while no provider is to be asked, one to probe one that was down."""
        ready = [route.breaker for route in self._routes if not route.breaker.seconds_until_ready()]
        if not ready:
            return 0
        free = BACKLOG_CONCURRENCY - len(self._backlog)
        return min(free, 1) if all(breaker.is_open for breaker in ready) else free

    async def _wait_for_room(self) -> None:
        """Until half of the places are free, so that mails are claimed by the batch."""
        while len(self._backlog) > BACKLOG_CONCURRENCY // 2 and not self._stopping.is_set():
            await asyncio.wait(self._backlog, return_when=asyncio.FIRST_COMPLETED)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _fail_overdue(self) -> None:
        """Give up what no provider took in time, also while none is asked: the waiting user is to see it."""
        now = time.monotonic()
        if now >= self._overdue_at:
            failed = await self._outbox.fail_overdue(LAST_ATTEMPT, OVERDUE_LIMIT)
            metrics.MAILS_FAILED.inc(failed)
            self._overdue_at = now if failed == OVERDUE_LIMIT else now + OVERDUE_SECONDS

    async def _attempt_safely(self, mail: OutgoingMail) -> None:
        with self._told_of(mail) as span:
            try:
                await self._attempt(mail)
            except Unavailable as refusal:
                span.fail(refusal.code)  # the database has logged it, and the lease runs out
            except Exception as error:
                span.fail(type(error).__name__)
                log.exception("mail_attempt_failed")

    @contextlib.contextmanager
    def _told_of(self, mail: OutgoingMail) -> Iterator[tracing.Span]:
        """Have all log lines within say whose mail it is, and its request's trace go on, be that long over elsewhere."""
        with (
            bound_contextvars(
                mail_id=str(mail.id),
                request_id=mail.request_id,
                **address_fields(self._address_digest, mail.email),
            ),
            tracing.begin("mail", "internal", mail.trace_parent) as span,
        ):
            span.set("registration.mail.id", str(mail.id))
            span.set("registration.mail.kind", mail.kind.value)
            span.set("registration.mail.attempt", mail.attempts + 1)
            yield span

    async def _attempt(self, mail: OutgoingMail) -> None:
        if (
            mail.id in self._unrecorded
        ):  # its fate is known here, and about to be written: under this lease now
            self._unrecorded[mail.id] = mail
        elif mail.age >= LAST_ATTEMPT:
            await self._outbox.give_up(mail, mail.reason or "out of time")
            metrics.MAILS_FAILED.inc()
        elif not mail.is_wanted:
            await self._outbox.drop(mail, "no longer wanted")
            metrics.MAILS_DROPPED.inc()
        else:
            await self._send(mail, await self._render(mail))

    async def _send(self, mail: OutgoingMail, message: Message) -> None:
        """Ask the providers in turn until one knows the mail's fate, or there is no time for another under the lease."""
        began_at = time.monotonic()
        last: tuple[Route, Outcome] | None = None
        waits: list[timedelta] = []
        for route in self._routes_for(mail):
            if last is not None and time.monotonic() - began_at > FAIL_OVER_SECONDS:
                break
            outcome = await route.send(message)
            if outcome is None:
                continue
            _log_attempt(mail, route, outcome)
            last = route, outcome
            waits.append(outcome.retry_after or timedelta())
            if outcome.verdict not in FAILS_OVER:
                break
        if last is None:
            await self._outbox.give_back([mail], self._until_a_provider_is_ready(mail))
        else:
            answered_at = time.monotonic()
            if last[1].verdict is Verdict.ACCEPTED:
                metrics.MAIL_ACCEPTANCE_SECONDS.observe(mail.age.total_seconds() + answered_at - began_at)
            await self._record(mail, *last, no_sooner=min(waits), answered_at=answered_at)

    def _routes_for(self, mail: OutgoingMail) -> Sequence[Route]:
        """All; for half of its life only the one that may have the mail, if a repetition there is recognised."""
        holder = [route for route in self._routes if route.provider.name == mail.provider]
        is_protected = bool(holder) and holder[0].provider.recognises_repetitions
        if mail.maybe_sent and is_protected and mail.age < MAIL_DEADLINE / 2:
            return holder
        return self._routes

    def _until_a_provider_is_ready(self, mail: OutgoingMail) -> timedelta:
        return timedelta(seconds=min(route.breaker.seconds_until_ready() for route in self._routes_for(mail)))

    async def _render(self, mail: OutgoingMail) -> Message:
        code = None
        if mail.kind is MailKind.ACTIVATION_CODE:
            key = await self._code_keys.code_key(mail.code_key_id)
            code = derive_code(key, mail.id, mail.credential_id, self._policy.code_digits)
        with tracing.span("render"):
            return self._renderer.render(mail, code, self._policy.code_ttl // timedelta(seconds=1))

    async def _record(
        self,
        mail: OutgoingMail,
        route: Route,
        outcome: Outcome,
        *,
        no_sooner: timedelta,
        answered_at: float,
    ) -> None:
        """`no_sooner`: the shortest wait that a provider which was asked wants."""
        provider = route.provider.name

        def since_answer() -> timedelta:
            """The user's minute begins when the answer came, however long the database takes to hear of it."""
            return timedelta(seconds=time.monotonic() - answered_at)

        async def accept(held: OutgoingMail) -> None:
            await self._outbox.accept(held, provider, outcome.message_id, since_answer)
            metrics.MAILS_ACCEPTED.inc()
            if held.kind is MailKind.ACTIVATION_CODE:
                metrics.MAILED.inc()

        async def fail(held: OutgoingMail) -> None:
            await self._outbox.fail(held, outcome.reason)
            metrics.MAILS_FAILED.inc()

        async def retry(held: OutgoingMail) -> None:
            maybe_sent_by = provider if outcome.verdict is Verdict.UNKNOWN else None
            await self._outbox.retry(held, after, outcome.reason, maybe_sent_by=maybe_sent_by)

        match outcome.verdict:
            case Verdict.ACCEPTED:
                await self._write_down(mail, accept)
            case Verdict.RECIPIENT_REJECTED | Verdict.MESSAGE_REJECTED:
                await self._write_down(mail, fail)
            case Verdict.RETRY | Verdict.PROVIDER_REFUSED | Verdict.UNKNOWN:
                spacing = route.budget.spend()
                after = delay_before_retry(mail.attempts, no_sooner, spacing, mail.age, random.uniform)
                await self._write_down(mail, retry)

    async def _write_down(self, mail: OutgoingMail, write: Callable[[OutgoingMail], Awaitable[None]]) -> None:
        """What a provider has said stays true while the database is away; so keep it until it can be written.

        Under the lease that is the newest by then: the first may have run out, and this process have got another.
        """
        self._unrecorded[mail.id] = mail
        try:
            async with asyncio.timeout((MAIL_DEADLINE - mail.age).total_seconds()):
                while True:
                    try:
                        return await write(self._unrecorded[mail.id])
                    except Unavailable:
                        await asyncio.sleep(SWEEP_SECONDS)
        except TimeoutError:
            log.exception("mail_outcome_not_recorded")
        finally:
            del self._unrecorded[mail.id]


def _log_attempt(mail: OutgoingMail, route: Route, outcome: Outcome) -> None:
    needs_somebody = outcome.verdict in {Verdict.PROVIDER_REFUSED, Verdict.MESSAGE_REJECTED}
    log.log(
        logging.WARNING if needs_somebody else logging.INFO,
        "mail_attempted",
        kind=mail.kind.value,
        provider=route.provider.name,
        outcome=outcome.verdict.value,
        reason=outcome.reason,
    )
