from datetime import timedelta

import pytest

from registration.admin import words


def plain(text: str) -> str:
    return text.replace(words.NARROW_SPACE, " ")


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "0.0 s"),
        (0.0004, "0 ms"),
        (0.2483, "248 ms"),
        (0.9996, "1.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (212, "3 min 32 s"),
        (3600, "1 h"),
        (7299, "2 h 1 min"),
        (86_400, "1 d"),
        (93_784, "1 d 2 h"),
        (86_459, "1 d"),
    ],
)
def test_a_duration_is_told_in_two_units_at_most(seconds: float, text: str) -> None:
    assert plain(words.duration(timedelta(seconds=seconds))) == text


@pytest.mark.parametrize(
    "part, whole, text",
    [
        (0, 0, "\N{EN DASH}"),
        (0, 7, "0 %"),
        (1, 1000, "< 1 %"),
        (1, 100, "1 %"),
        (563, 716, "79 %"),
        (99, 100, "99 %"),
        (999, 1000, "> 99 %"),
        (7, 7, "100 %"),
    ],
)
def test_a_share_is_none_or_all_only_if_it_is_that_exactly(part: int, whole: int, text: str) -> None:
    assert plain(words.share(part, whole)) == text


@pytest.mark.parametrize("count, text", [(0, "0"), (999.0, "999"), (1000, "1 000"), (1_234_567, "1 234 567")])
def test_thousands_are_set_apart(count: float, text: str) -> None:
    assert plain(words.number(count)) == text


@pytest.mark.parametrize("probability, text", [(0.002, "0.2 %"), (0.02, "2 %"), (0.0000125, "0.00125 %")])
def test_a_chance_is_told_however_small(probability: float, text: str) -> None:
    assert plain(words.chance(probability)) == text
