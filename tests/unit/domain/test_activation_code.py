from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.activation_code import derive_code, voided_by_a_new_code
from tests.unit.domain.mails import NOW, accepted, mail

KEY = b"k" * 32
MINUTE = timedelta(minutes=1)


@given(st.uuids(), st.uuids(), st.integers(4, 8))
def test_a_code_is_that_many_digits_and_the_same_each_time(mail: UUID, credential: UUID, digits: int) -> None:
    code = derive_code(KEY, mail, credential, digits)
    assert len(code) == digits
    assert code.isascii()
    assert code.isdigit()
    assert derive_code(KEY, mail, credential, digits) == code


def test_a_code_is_the_same_in_every_release_for_its_mail_may_be_on_the_way() -> None:
    assert derive_code(KEY, UUID(int=1), UUID(int=2), 8) == "96915711"


def test_a_code_depends_on_the_key_the_mail_and_the_credential() -> None:
    mail, credential = UUID(int=1), UUID(int=2)
    codes = {
        derive_code(KEY, mail, credential, 8),
        derive_code(b"another", mail, credential, 8),
        derive_code(KEY, UUID(int=3), credential, 8),
        derive_code(KEY, mail, UUID(int=3), 8),
    }
    assert len(codes) == 4


@pytest.mark.parametrize("position", range(4))
def test_every_digit_is_as_likely_as_another(position: int) -> None:
    """Chi-squared with nine degrees of freedom stays under 40 but once in 100 000; the ids are fixed, so it stays so."""
    draws = 20_000
    counts = Counter(derive_code(KEY, UUID(int=number), UUID(int=7), 4)[position] for number in range(draws))
    expected = draws / 10
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 40


def test_leading_zeros_stay() -> None:
    codes = (derive_code(KEY, uuid4(), uuid4(), 4) for _ in range(1000))
    assert {len(code) for code in codes} == {4}


class TestTheCodesThatANewOneVoids:
    def test_are_all_live_ones_but_the_newest(self) -> None:
        newest, older, oldest = accepted(), accepted(), accepted()
        assert voided_by_a_new_code([newest, older, oldest], NOW, MINUTE) == [older, oldest]

    def test_are_on_the_wire_too_or_may_have_arrived(self) -> None:
        on_the_wire, maybe_sent = mail(is_claimed=True), mail(maybe_sent=True)
        assert voided_by_a_new_code([accepted(), on_the_wire, maybe_sent], NOW, MINUTE) == [
            on_the_wire,
            maybe_sent,
        ]
        assert voided_by_a_new_code([on_the_wire, maybe_sent], NOW, MINUTE) == [maybe_sent]

    def test_are_none_where_the_other_has_expired(self) -> None:
        assert voided_by_a_new_code([accepted(NOW - MINUTE), accepted()], NOW, MINUTE) == []

    def test_are_none_where_the_other_is_not_sent_any_more(self) -> None:
        assert voided_by_a_new_code([mail(), accepted()], NOW, MINUTE) == []
