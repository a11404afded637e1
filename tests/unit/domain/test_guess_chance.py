from dataclasses import astuple
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.guess_chance import guess_chance
from registration.domain.policy import Policy


def test_four_digits_leave_two_in_a_thousand_a_day_and_two_in_a_hundred_a_year() -> None:
    chance = guess_chance(Policy())
    assert (chance.per_day, chance.per_year) == (0.002, 0.02)


@given(st.integers(4, 7))
def test_each_further_digit_leaves_a_tenth(digits: int) -> None:
    fewer, more = guess_chance(Policy(code_digits=digits)), guess_chance(Policy(code_digits=digits + 1))
    assert astuple(more) == pytest.approx([chance / 10 for chance in astuple(fewer)])


def test_it_is_the_same_whether_or_not_clients_have_shares() -> None:
    assert guess_chance(Policy(limits_clients=False)) == guess_chance(Policy(limits_clients=True))


def test_it_is_the_same_however_many_mails_an_address_gets() -> None:
    many = Policy(mails_per_hour=1000, mails_per_day=1000)
    assert guess_chance(many).per_day == guess_chance(Policy()).per_day


@pytest.mark.parametrize(
    "cooldown, per_hour, per_day, codes",
    [
        (timedelta(seconds=30), 5, 10, 10),
        (timedelta(), 1000, 1000, 1000),
        (timedelta(), 2, 1000, 48),
        (timedelta(hours=1), 5, 1000, 24),
        (timedelta(minutes=50), 5, 1000, 29),
    ],
)
def test_at_all_tags_of_a_mailbox_there_are_three_guesses_for_each_code_that_it_is_mailed(
    cooldown: timedelta, per_hour: int, per_day: int, codes: int
) -> None:
    policy = Policy(mail_cooldown=cooldown, mails_per_hour=per_hour, mails_per_day=per_day)
    assert guess_chance(policy).mailbox_per_day == 3 * codes * 2 / 10_000
