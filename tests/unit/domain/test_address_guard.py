from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from registration.domain.address_guard import LOCKED_RETRY_AFTER, AddressGuard, WrongCode
from registration.domain.errors import TooManyAttempts
from registration.domain.policy import Policy
from tests.unit.domain.mails import NOW

NEWEST, OLDER = UUID(int=2), UUID(int=1)


def wrong(mail_id: UUID = NEWEST, ago: timedelta = timedelta()) -> WrongCode:
    return WrongCode(uuid4(), mail_id, NOW - ago, by_this_client=False)


def guard(*wrong_codes: WrongCode) -> AddressGuard:
    return AddressGuard(Policy(), NOW, (), wrong_codes)


@pytest.mark.parametrize(
    "shown, left",
    [
        ([], 3),
        ([wrong(), wrong(OLDER)], 2),
        ([wrong()] * 3, 0),
        ([wrong()] * 4, 0),
        ([wrong(OLDER)] * 9, 1),
        ([wrong(OLDER)] * 11, 0),
    ],
)
def test_as_many_attempts_are_left_as_the_newest_code_and_the_day_both_leave(
    shown: Sequence[WrongCode], left: int
) -> None:
    assert guard(*shown).attempts_left(NEWEST) == left


def test_a_wrong_code_leaves_the_day_when_it_is_a_day_old() -> None:
    day = timedelta(days=1)
    assert guard(*[wrong(OLDER, day)] * 9).attempts_left(NEWEST) == 3
    assert guard(*[wrong(OLDER, day - timedelta(microseconds=1))] * 9).attempts_left(NEWEST) == 1


@pytest.mark.parametrize("newest, older, is_last", [(1, 1, False), (2, 0, True), (2, 5, True), (3, 0, False)])
def test_the_third_wrong_code_of_the_newest_mail_is_its_last(newest: int, older: int, is_last: bool) -> None:
    shown = [wrong()] * newest + [wrong(OLDER)] * older
    assert guard(*shown).is_last_guess(NEWEST) is is_last


def test_where_the_years_wrong_codes_are_spent_another_code_is_promised_no_sooner_than_any_answer() -> None:
    ten_a_week = [wrong(OLDER, timedelta(weeks=1 + number // 10)) for number in range(100)]
    assert guard(*ten_a_week).new_code_at() == NOW + LOCKED_RETRY_AFTER
    with pytest.raises(TooManyAttempts) as refusal:
        guard(*ten_a_week).refuse_locked()
    assert refusal.value.retry_after == LOCKED_RETRY_AFTER
    assert guard(*ten_a_week[1:]).new_code_at() == NOW


def test_a_hundred_in_exactly_a_year_do_not_lock_for_good() -> None:
    year = timedelta(days=365)
    first, last = wrong(OLDER, year), wrong(OLDER)
    between = [wrong(OLDER, timedelta(weeks=2 + number // 10)) for number in range(98)]
    assert not guard(first, *between, last).is_locked_for_good()
    within = wrong(OLDER, year - timedelta(microseconds=1))
    assert guard(within, *between, last).is_locked_for_good()
