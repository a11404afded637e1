import random
from dataclasses import dataclass
from datetime import timedelta

import pytest

from registration.courier.breaker import FAILURES_IN_A_ROW, Breaker
from registration.ports import Outcome, Verdict

ACCEPTED = Outcome(Verdict.ACCEPTED, "accepted")
BUSY = Outcome(Verdict.RETRY, "status 503")
REFUSED = Outcome(Verdict.PROVIDER_REFUSED, "status 401")


@dataclass
class Time:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def breaker(time: Time) -> Breaker:
    return Breaker(time)


def attempt(breaker: Breaker, outcome: Outcome) -> None:
    is_probe = breaker.is_open
    assert breaker.try_enter()
    breaker.record(outcome, was_probe=is_probe)


def fail(breaker: Breaker, times: int = FAILURES_IN_A_ROW) -> None:
    for _ in range(times):
        attempt(breaker, BUSY)


def test_lets_everything_through_while_the_provider_is_well(breaker: Breaker) -> None:
    assert all(breaker.try_enter() for _ in range(100))


def test_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker)
    assert breaker.is_open
    assert not breaker.try_enter()


def test_an_acceptance_starts_the_row_again(breaker: Breaker) -> None:
    fail(breaker, FAILURES_IN_A_ROW - 1)
    breaker.record(ACCEPTED, was_probe=False)
    fail(breaker, FAILURES_IN_A_ROW - 1)
    assert not breaker.is_open


@pytest.mark.parametrize("verdict", [Verdict.RECIPIENT_REJECTED, Verdict.MESSAGE_REJECTED])
def test_a_mail_that_is_refused_for_what_it_is_says_nothing_against_the_provider(
    breaker: Breaker, verdict: Verdict
) -> None:
    for _ in range(3 * FAILURES_IN_A_ROW):
        breaker.record(Outcome(verdict, "refused"), was_probe=False)
    assert not breaker.is_open


def test_does_not_open_because_a_third_of_the_answers_fail(breaker: Breaker) -> None:
    chance = random.Random(7)
    for _ in range(5000):
        breaker.record(BUSY if chance.random() < 1 / 3 else ACCEPTED, was_probe=False)
        assert not breaker.is_open


def test_opens_at_once_when_the_provider_refuses_us(breaker: Breaker) -> None:
    breaker.record(REFUSED, was_probe=False)
    assert breaker.is_open
    assert breaker.seconds_until_ready() == 30


def test_open_it_lets_one_probe_through_at_a_time(breaker: Breaker, time: Time) -> None:
    fail(breaker)
    time.now += 1
    assert [breaker.try_enter() for _ in range(5)] == [True, False, False, False, False]


def test_closes_when_the_probe_is_accepted(breaker: Breaker, time: Time) -> None:
    fail(breaker)
    time.now += 1
    attempt(breaker, ACCEPTED)
    assert not breaker.is_open
    assert all(breaker.try_enter() for _ in range(5))


def test_waits_longer_after_each_failed_probe_up_to_a_limit(breaker: Breaker, time: Time) -> None:
    fail(breaker)
    waits = []
    for _ in range(5):
        waits.append(breaker.seconds_until_ready())
        time.now += waits[-1]
        attempt(breaker, BUSY)
    assert waits == [1, 2, 4, 5, 5]


def test_a_probe_that_ends_without_an_outcome_makes_room_for_another(breaker: Breaker, time: Time) -> None:
    fail(breaker)
    time.now += 1
    assert breaker.try_enter()
    breaker.leave(was_probe=True)
    assert breaker.try_enter()


def test_obeys_the_pause_that_a_provider_asks_for_without_calling_it_down(
    breaker: Breaker, time: Time
) -> None:
    breaker.record(ACCEPTED, was_probe=False)
    breaker.record(Outcome(Verdict.RETRY, "status 429", retry_after=timedelta(seconds=7)), was_probe=False)
    assert not breaker.try_enter()
    assert not breaker.looks_down
    time.now += 7
    assert breaker.try_enter()


def test_no_pause_is_longer_than_a_minute(breaker: Breaker) -> None:
    breaker.record(Outcome(Verdict.RETRY, "status 429", retry_after=timedelta(hours=3)), was_probe=False)
    assert breaker.seconds_until_ready() == 60


def test_looks_down_from_the_first_failure_if_nothing_was_accepted_lately(
    breaker: Breaker, time: Time
) -> None:
    assert not breaker.looks_down
    breaker.record(BUSY, was_probe=False)
    assert breaker.looks_down
    breaker.record(ACCEPTED, was_probe=False)
    assert not breaker.looks_down
    breaker.record(BUSY, was_probe=False)
    assert not breaker.looks_down
    time.now += 10
    assert breaker.looks_down


def test_attempts_that_began_before_it_opened_do_not_make_it_wait_longer(
    breaker: Breaker, time: Time
) -> None:
    fail(breaker)
    for _ in range(50):
        breaker.record(BUSY, was_probe=False)
    assert breaker.seconds_until_ready() == 1
    time.now += 1
    assert breaker.try_enter()
    breaker.record(BUSY, was_probe=False)
    assert not breaker.try_enter()
