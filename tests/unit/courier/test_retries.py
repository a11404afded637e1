from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from registration.courier.retry_budget import BURST, RetryBudget
from registration.courier.retry_schedule import delay_before_retry
from registration.domain.policy import MAIL_DEADLINE

NOTHING = timedelta()


def longest(_: float, high: float) -> float:
    return high


def shortest(low: float, _: float) -> float:
    return low


class TestTheDelay:
    def test_doubles_up_to_half_a_minute(self) -> None:
        delays = [delay_before_retry(n, NOTHING, NOTHING, NOTHING, longest).total_seconds() for n in range(9)]
        assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]

    def test_is_jittered_from_nothing(self) -> None:
        assert delay_before_retry(5, NOTHING, NOTHING, NOTHING, shortest) == NOTHING

    def test_is_never_shorter_than_the_provider_asks(self) -> None:
        asked = timedelta(seconds=17)
        assert delay_before_retry(0, asked, NOTHING, NOTHING, shortest) == asked
        assert delay_before_retry(0, asked, NOTHING, NOTHING, longest) == asked * 1.2

    @given(st.integers(0, 50), st.integers(0, 10_000), st.integers(0, 700))
    def test_never_goes_past_the_deadline(self, attempts: int, asked: int, age: int) -> None:
        retry_after = timedelta(seconds=asked)
        old = timedelta(seconds=age)
        delay = delay_before_retry(attempts, retry_after, NOTHING, old, longest)
        assert NOTHING <= delay <= max(MAIL_DEADLINE - old, NOTHING)

    def test_a_retry_after_the_deadline_is_due_at_the_deadline_so_that_it_is_given_up_then(self) -> None:
        delay = delay_before_retry(0, timedelta(hours=1), NOTHING, timedelta(minutes=9), longest)
        assert delay == timedelta(minutes=1)


class TestTheBudget:
    def test_spaces_retries_out_once_the_burst_is_spent(self) -> None:
        budget = RetryBudget(lambda: 0.0)
        waits = [budget.spend().total_seconds() for _ in range(int(BURST) + 3)]
        assert waits[: int(BURST)] == [0] * int(BURST)
        assert waits[int(BURST) :] == [0.1, 0.2, 0.3]

    def test_refills_with_time(self) -> None:
        now = [0.0]
        budget = RetryBudget(lambda: now[0])
        for _ in range(int(BURST) + 10):
            budget.spend()
        now[0] = 1.1
        assert budget.spend() == NOTHING

    def test_an_accepted_mail_earns_a_retry(self) -> None:
        budget = RetryBudget(lambda: 0.0)
        for _ in range(int(BURST)):
            budget.spend()
        budget.earn()
        assert budget.spend() == NOTHING
        assert budget.spend() > NOTHING

    def test_never_refuses_one(self) -> None:
        budget = RetryBudget(lambda: 0.0)
        assert all(budget.spend() >= NOTHING for _ in range(10_000))
