"""The courier over the fake outbox, with providers that do as they are told."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from registration.courier.courier import BACKLOG_CONCURRENCY, Courier
from registration.courier.rendering import Renderer
from registration.courier.route import Route
from registration.domain.email_address import EmailAddress
from registration.domain.errors import Unavailable
from registration.domain.mail import MailState
from registration.ports import Message, Outcome, OutgoingMail, Verdict
from tests.fakes import FakeOutbox
from tests.readings import Readings
from tests.world import ANN, OTHER_PASSWORD, World

ACCEPTED = Outcome(Verdict.ACCEPTED, "accepted", "provider-id")
BUSY = Outcome(Verdict.RETRY, "status 503")
LOST = Outcome(Verdict.UNKNOWN, "answer lost")
REFUSED = Outcome(Verdict.PROVIDER_REFUSED, "status 401")
REJECTED = Outcome(Verdict.RECIPIENT_REJECTED, "recipient's address refused")


@dataclass
class ScriptedProvider:
    """A MailApi that answers from a list, then accepts."""

    name: str = "first"
    recognises_repetitions: bool = False
    answers: deque[Outcome] = field(default_factory=deque)
    sent: list[Message] = field(default_factory=list)
    before_answer: Callable[[], None] | None = None
    hold: asyncio.Event | None = None
    on_the_wire: int = 0

    async def send(self, message: Message) -> Outcome:
        self.sent.append(message)
        self.on_the_wire += 1
        try:
            if self.hold:
                await self.hold.wait()
            if self.before_answer:
                self.before_answer()
            return self.answers.popleft() if self.answers else ACCEPTED
        finally:
            self.on_the_wire -= 1


class Post:
    """A world, an outbox over it, and a courier with one provider or two."""

    def __init__(self, *providers: ScriptedProvider) -> None:
        self.world = World()
        self.providers = providers or (ScriptedProvider(),)
        self.first = self.providers[0]
        self.time = 0.0
        self.outbox = FakeOutbox(self.world.database)
        self.courier = self.new_courier()

    def new_courier(self) -> Courier:
        return Courier(
            self.outbox,
            [Route(provider, lambda: self.time) for provider in self.providers],
            Renderer("Example"),
            self.world.keys,
            self.world.policy,
            str.upper,
        )

    async def register(self, email: EmailAddress = ANN) -> None:
        await self.world.register(email)

    async def deliver(self) -> None:
        await self.courier.deliver(self.world.mails()[-1].new.id)

    async def sweep(self, **later: float) -> int:
        """Let time pass for the database and the breakers, and send what is due then."""
        self.world.clock.advance(**later)
        self.time += timedelta(**later).total_seconds()
        swept = await self.courier.sweep()
        await self.courier.finish(5)
        return swept


@pytest.fixture
def post() -> Post:
    return Post()


class TestAFreshMail:
    async def test_is_sent_with_its_code_and_its_acceptance_recorded(self, post: Post) -> None:
        await post.register()
        await post.deliver()
        [message] = post.first.sent
        [mail] = post.world.mails()
        assert message.id == mail.new.id
        assert post.world.code() in message.text.splitlines()
        assert (mail.state, mail.provider, mail.message_id) == (MailState.ACCEPTED, "first", "provider-id")

    async def test_is_not_sent_again_by_a_sweep(self, post: Post) -> None:
        await post.register()
        await post.deliver()
        await post.sweep(minutes=5)
        assert len(post.first.sent) == 1

    async def test_is_taken_over_by_another_when_its_process_has_died(self, post: Post) -> None:
        await post.register()
        assert await post.sweep(seconds=24) == 0
        assert await post.sweep(seconds=1) == 1
        assert post.world.mails()[0].state is MailState.ACCEPTED

    async def test_is_let_go_of_when_the_courier_is_stopping(self, post: Post) -> None:
        await post.register()
        post.courier.stop()
        await post.deliver()
        assert post.first.sent == []
        successor = post.new_courier()
        await successor.sweep()
        await successor.finish(5)
        assert post.world.mails()[0].state is MailState.ACCEPTED
        assert not post.world.mails()[0].maybe_sent

    async def test_that_waited_too_long_for_its_place_is_due_at_once_and_was_not_sent(
        self, post: Post
    ) -> None:
        await post.register()
        post.world.clock.advance(seconds=10)
        await post.deliver()
        assert await post.sweep() == 1
        [mail] = post.world.mails()
        assert mail.state is MailState.ACCEPTED
        assert not mail.maybe_sent


class TestWhenTheDatabaseIsAwayAsAnAnswerComes:
    """The provider has taken the mail, and nobody can write that down."""

    @pytest.fixture
    def post(self, monkeypatch: pytest.MonkeyPatch) -> Post:
        monkeypatch.setattr("registration.courier.courier.SWEEP_SECONDS", 0.01)
        return Post()

    async def test_the_acceptance_is_written_when_it_is_back_whoever_lost_patience(self, post: Post) -> None:
        away = be_away(post.outbox, times=5)
        await post.register()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await post.deliver()
        await post.courier.finish(5)
        assert away == []
        assert post.world.mails()[0].state is MailState.ACCEPTED

    async def test_a_process_that_knows_the_fate_does_not_send_the_mail_again(self, post: Post) -> None:
        away = be_away(post.outbox, times=3)
        await post.register()
        delivery = asyncio.create_task(post.deliver())
        while len(away) == 3:  # noqa: ASYNC110 - the fake tells it by nothing else
            await asyncio.sleep(0)
        post.world.clock.advance(seconds=30)
        assert await post.courier.sweep() == 1
        await asyncio.gather(delivery, post.courier.finish(5))
        assert len(post.first.sent) == 1
        assert post.world.mails()[0].state is MailState.ACCEPTED


def be_away(outbox: FakeOutbox, times: int) -> list[Unavailable]:
    """Have so many acceptances not be written; return the refusals that are left."""
    refusals = [Unavailable(timedelta(seconds=1)) for _ in range(times)]
    accept = outbox.accept

    async def accept_unless_away(*arguments: Any) -> None:
        if refusals:
            raise refusals.pop()
        await accept(*arguments)

    outbox.accept = accept_unless_away  # type: ignore[method-assign,assignment]
    return refusals


class TestStopping:
    async def test_what_was_claimed_in_the_same_moment_is_given_back_unsent(self, post: Post) -> None:
        await post.register()
        post.world.clock.advance(seconds=30)
        claim = post.outbox.claim_due

        async def claim_while_stopping(limit: int) -> Sequence[OutgoingMail]:
            mails = await claim(limit)
            post.courier.stop()
            return mails

        post.outbox.claim_due = claim_while_stopping  # type: ignore[method-assign]
        assert await post.courier.sweep() == 0
        assert post.first.sent == []
        assert post.world.mails()[0].lease is None


class TestWhatAnAttemptMeans:
    async def test_a_mail_that_was_not_taken_is_sent_again(self, post: Post) -> None:
        post.first.answers.append(BUSY)
        await post.register()
        await post.deliver()
        assert post.world.mails()[0].state is MailState.QUEUED
        await post.sweep(seconds=1)
        assert post.world.mails()[0].state is MailState.ACCEPTED

    async def test_a_second_send_has_the_same_id_the_same_code_and_the_same_bytes(self, post: Post) -> None:
        post.first.answers.append(LOST)
        await post.register()
        await post.deliver()
        await post.sweep(seconds=1)
        one, two = post.first.sent
        assert one == two

    async def test_a_lost_answer_is_remembered(self, post: Post) -> None:
        post.first.answers.append(LOST)
        await post.register()
        await post.deliver()
        assert post.world.mails()[0].maybe_sent

    async def test_a_refused_recipient_ends_it_at_once(self, post: Post) -> None:
        post.first.answers.append(REJECTED)
        await post.register()
        await post.deliver()
        [mail] = post.world.mails()
        assert (mail.state, mail.reason) == (MailState.FAILED, "recipient's address refused")

    async def test_a_refusal_of_all_our_mails_is_not_the_mails_end(self, post: Post) -> None:
        post.first.answers.append(REFUSED)
        await post.register()
        await post.deliver()
        assert post.world.mails()[0].state is MailState.QUEUED
        await post.sweep(seconds=40)
        assert post.world.mails()[0].state is MailState.ACCEPTED

    async def test_the_minute_begins_when_the_answer_came(self, post: Post) -> None:
        await post.register()
        post.world.clock.advance(seconds=3)
        await post.deliver()
        accepted_at = post.world.mails()[0].accepted_at
        assert accepted_at is not None
        assert post.world.clock.now - accepted_at < timedelta(seconds=1)

    async def test_a_mail_that_no_provider_took_in_time_has_failed_with_the_last_reason(
        self, post: Post
    ) -> None:
        post.first.answers.extend([BUSY] * 1000)
        await post.register()
        await post.deliver()
        for _ in range(15):
            await post.sweep(seconds=45)
        [mail] = post.world.mails()
        assert (mail.state, mail.reason) == (MailState.FAILED, "status 503")

    async def test_nothing_is_sent_in_the_last_seconds_before_the_deadline(self, post: Post) -> None:
        await post.register()
        await post.sweep(minutes=9, seconds=46)
        assert post.first.sent == []
        assert post.world.mails()[0].state is MailState.FAILED


class TestAMailThatHasLostItsPurpose:
    async def test_is_dropped_when_its_user_is_active(self, post: Post) -> None:
        await post.register()
        await post.world.activate(post.world.code())
        await post.deliver()
        assert post.first.sent == []
        assert post.world.mails()[0].state is MailState.DROPPED

    async def test_is_dropped_when_another_registration_has_come(self, post: Post) -> None:
        await post.register()
        post.world.clock.advance(seconds=30)
        await post.world.register(password=OTHER_PASSWORD)
        await post.sweep()
        assert post.first.sent == []

    async def test_is_gone_with_its_user(self, post: Post) -> None:
        await post.register()
        await post.world.erase()
        await post.sweep(seconds=30)
        assert post.first.sent == []


class TestWhileTheProviderIsDown:
    async def test_nothing_is_claimed_but_a_probe(self, post: Post) -> None:
        await open_the_breaker(post)
        for number in range(20):
            await post.register(EmailAddress(f"later{number}@example.org"))
        sent = len(post.first.sent)
        post.first.answers.extend([BUSY] * 100)
        assert await post.sweep(seconds=30) == 1
        assert len(post.first.sent) == sent + 1

    async def test_everything_goes_out_when_the_probe_is_taken(self, post: Post) -> None:
        await open_the_breaker(post)
        post.first.answers.clear()
        for _ in range(4):
            await post.sweep(seconds=30)
        assert all(mail.state is MailState.ACCEPTED for mail in post.world.database.tables.mails.values())

    async def test_a_fresh_mail_is_let_go_of_unsent(self, post: Post) -> None:
        await open_the_breaker(post)
        sent = len(post.first.sent)
        await post.register()
        await post.deliver()
        [mail] = post.world.mails()
        assert len(post.first.sent) == sent
        assert (mail.lease, mail.maybe_sent, mail.attempts) == (None, False, 0)

    async def test_what_is_overdue_fails_all_the_same(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("registration.courier.courier.OVERDUE_SECONDS", 0)
        await post.register()
        await post.deliver()
        post.first.answers.extend([BUSY] * 1000)
        await open_the_breaker(post)
        post.time -= 10_000  # the breaker stays open
        assert await post.sweep(minutes=10) == 0
        states = {mail.state for mail in post.world.database.tables.mails.values()}
        assert MailState.QUEUED not in states

    async def test_the_courier_says_so(self, post: Post) -> None:
        assert not post.courier.provider_is_down
        await open_the_breaker(post)
        assert post.courier.provider_is_down


async def open_the_breaker(post: Post) -> None:
    post.first.answers.extend([BUSY] * 12)
    for number in range(12):
        email = EmailAddress(f"early{number}@example.org")
        await post.world.register(email)
        await post.courier.deliver(post.world.mails(email)[0].new.id)
    assert post.courier._routes[0].breaker.is_open


class TestTwoProviders:
    @pytest.fixture
    def post(self) -> Post:
        return Post(ScriptedProvider("first"), ScriptedProvider("second"))

    async def test_the_second_is_asked_at_once_when_the_first_does_not_take_the_mail(
        self, post: Post
    ) -> None:
        post.first.answers.append(BUSY)
        await post.register()
        await post.deliver()
        [mail] = post.world.mails()
        assert (mail.state, mail.provider) == (MailState.ACCEPTED, "second")

    @pytest.mark.parametrize("outcome", [REJECTED, LOST])
    async def test_it_is_not_asked_for_a_refused_recipient_nor_for_a_lost_answer(
        self, post: Post, outcome: Outcome
    ) -> None:
        post.first.answers.append(outcome)
        await post.register()
        await post.deliver()
        assert post.providers[1].sent == []

    async def test_the_first_is_used_again_when_it_is_well(self, post: Post) -> None:
        post.first.answers.append(REFUSED)
        await post.register()
        await post.deliver()
        bob = EmailAddress("bob@example.org")
        post.time += 30
        await post.register(bob)
        await post.courier.deliver(post.world.mails(bob)[0].new.id)
        assert post.world.mails(bob)[0].provider == "first"

    async def test_the_shortest_wait_that_either_asks_for_is_obeyed(self, post: Post) -> None:
        post.first.answers.append(Outcome(Verdict.RETRY, "status 503", retry_after=timedelta(seconds=2)))
        for_hours = Outcome(Verdict.PROVIDER_REFUSED, "daily quota exceeded", retry_after=timedelta(hours=5))
        post.providers[1].answers.append(for_hours)
        await post.register()
        await post.deliver()
        await post.sweep(seconds=4)
        assert post.world.mails()[0].provider == "first"

    async def test_a_mail_whose_fate_only_one_knows_stays_with_it_if_it_recognises_repetitions(
        self, post: Post
    ) -> None:
        post.first.recognises_repetitions = True
        post.first.answers.extend([LOST, BUSY])
        await post.register()
        await post.deliver()
        await post.sweep(seconds=1)
        assert len(post.first.sent) == 2
        assert post.providers[1].sent == []

    async def test_it_goes_to_the_other_all_the_same_when_half_of_its_time_is_over(self, post: Post) -> None:
        post.first.recognises_repetitions = True
        post.first.answers.extend([LOST, BUSY])
        await post.register()
        await post.deliver()
        await post.sweep(minutes=5)
        assert post.world.mails()[0].provider == "second"

    async def test_it_goes_to_the_other_if_nobody_would_recognise_it(self, post: Post) -> None:
        post.first.answers.extend([LOST, BUSY])
        await post.register()
        await post.deliver()
        await post.sweep(seconds=1)
        assert len(post.providers[1].sent) == 1


class TestManyMails:
    async def test_a_backlog_is_sent_with_bounded_concurrency(self, post: Post) -> None:
        for number in range(100):
            await post.register(EmailAddress(f"user{number}@example.org"))
        post.first.hold = asyncio.Event()
        post.world.clock.advance(seconds=30)
        assert await post.courier.sweep() == BACKLOG_CONCURRENCY
        assert await post.courier.sweep() == 0
        await asyncio.sleep(0)
        assert post.first.on_the_wire <= BACKLOG_CONCURRENCY
        post.first.hold.set()
        await post.courier.finish(5)

    async def test_a_fresh_mail_does_not_wait_behind_the_backlog(self, post: Post) -> None:
        for number in range(100):
            await post.register(EmailAddress(f"user{number}@example.org"))
        post.first.hold = asyncio.Event()
        post.world.clock.advance(seconds=30)
        await post.courier.sweep()
        await asyncio.sleep(0)
        await post.register()
        fresh = asyncio.create_task(post.deliver())
        for _ in range(10):
            await asyncio.sleep(0)
        assert post.first.sent[-1].to == ANN
        post.first.hold.set()
        await asyncio.gather(fresh, post.courier.finish(5))

    async def test_finishing_cuts_off_what_hangs_and_leaves_it_to_others(self, post: Post) -> None:
        post.first.hold = asyncio.Event()
        await post.register()
        post.world.clock.advance(seconds=30)
        await post.courier.sweep()
        await asyncio.sleep(0)
        await post.courier.finish(0)
        post.first.hold = None
        assert await post.sweep(seconds=25) == 1
        [mail] = post.world.mails()
        assert mail.maybe_sent
        assert mail.state is MailState.ACCEPTED


class TestTheFigures:
    async def test_every_attempt_is_counted_by_provider_kind_and_outcome(self, post: Post) -> None:
        await post.world.register_active()
        await post.sweep()
        post.first.answers.extend([BUSY, LOST, ACCEPTED])
        post.first.before_answer = lambda: setattr(post, "time", post.time + 7)
        readings = Readings()
        await post.world.register(password=OTHER_PASSWORD)
        await post.deliver()
        for _ in range(2):
            await post.sweep(seconds=30)

        for outcome in ("retry", "unknown", "accepted"):
            labels = {"provider": "first", "kind": "address-taken", "outcome": outcome}
            assert readings.moved("registration_mail_attempts_total", **labels) == 1
        assert readings.moved("registration_mail_attempt_seconds_sum", provider="first") == 21
        assert readings.moved("registration_mail_attempt_seconds_count", provider="first") == 3
        assert settled(readings) == {"accepted": 1}
        assert readings.moved("registration_mailed_total") == 0

    async def test_an_accepted_code_is_counted_with_the_time_since_its_making(self, post: Post) -> None:
        post.first.answers.append(BUSY)
        readings = Readings()
        await post.register()
        await post.deliver()
        await post.sweep(seconds=40)

        assert settled(readings) == {"accepted": 1}
        assert readings.moved("registration_mailed_total") == 1
        assert readings.moved("registration_mail_acceptance_seconds_count") == 1
        assert readings.moved("registration_mail_acceptance_seconds_bucket", le="30.0") == 0
        assert readings.moved("registration_mail_acceptance_seconds_bucket", le="60.0") == 1

    async def test_the_time_that_the_provider_takes_is_part_of_it(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("registration.courier.courier.time.monotonic", lambda: post.time)
        post.first.before_answer = lambda: setattr(post, "time", post.time + 3)
        readings = Readings()
        await post.register()
        post.world.clock.advance(seconds=2)
        await post.deliver()
        assert readings.moved("registration_mail_acceptance_seconds_sum") == 5

    async def test_an_acceptance_that_is_recorded_late_is_counted_once(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("registration.courier.courier.SWEEP_SECONDS", 0)
        be_away(post.outbox, times=3)
        readings = Readings()
        await post.register()
        await post.deliver()
        assert settled(readings) == {"accepted": 1}
        assert readings.moved("registration_mailed_total") == 1

    async def test_a_refused_mail_has_failed(self, post: Post) -> None:
        readings = Readings()
        post.first.answers.append(REJECTED)
        await post.register()
        await post.deliver()
        assert settled(readings) == {"failed": 1}

    async def test_mails_that_are_overdue_have_failed(self, post: Post) -> None:
        readings = Readings()
        for number in range(3):
            await post.register(EmailAddress(f"late{number}@example.org"))
        await post.sweep(minutes=10)
        assert settled(readings) == {"failed": 3}

    async def test_a_mail_that_is_too_old_when_its_turn_comes_has_failed(self, post: Post) -> None:
        await post.sweep()  # the look for what is overdue, once in ten seconds
        readings = Readings()
        await post.register()
        assert await post.sweep(minutes=10) == 1
        assert settled(readings) == {"failed": 1}

    async def test_a_mail_that_nobody_wants_any_more_is_dropped(self, post: Post) -> None:
        readings = Readings()
        await post.register()
        await post.world.activate(post.world.code())
        await post.deliver()
        assert settled(readings) == {"dropped": 1}


class TestTheLog:
    async def test_has_a_line_for_each_attempt_with_the_address_by_its_digest(self) -> None:
        first, second = ScriptedProvider("first", answers=deque([BUSY])), ScriptedProvider("second")
        post = Post(first, second)
        await post.register()
        with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
            await post.deliver()

        [mail] = post.world.mails()
        common = {
            "event": "mail_attempted",
            "log_level": "info",
            "mail_id": str(mail.new.id),
            "request_id": None,
            "address": ANN.text.upper(),
            "kind": "activation-code",
        }
        assert lines == [
            {**common, "provider": "first", "outcome": "retry", "reason": "status 503"},
            {**common, "provider": "second", "outcome": "accepted", "reason": "accepted"},
        ]

    async def test_says_of_a_fault_which_mail_it_met(self, post: Post) -> None:
        def fail() -> None:
            raise KeyError

        post.first.before_answer = fail
        await post.register()
        with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
            await post.deliver()

        [line] = lines
        assert (line["event"], line["address"]) == ("mail_attempt_failed", ANN.text.upper())


def settled(readings: Readings) -> dict[str, float]:
    moved = {
        outcome: readings.moved("registration_mails_settled_total", outcome=outcome)
        for outcome in ("accepted", "failed", "dropped")
    }
    return {outcome: by for outcome, by in moved.items() if by}
