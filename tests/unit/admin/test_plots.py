from datetime import UTC, datetime, timedelta

import pytest

from registration.admin.plots import HEIGHT, NICE, Piece, Plot, nice_ceiling, plot
from registration.overview import MINUTE, Cohort, Counts

BEGIN = datetime(2026, 11, 22, 12, 3, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)


def drawn(*cohorts: Cohort, places: int = 10) -> Plot:
    return plot(cohorts, BEGIN, MINUTE, places, FIVE_MINUTES)


def cohort(place: int, registered: int, *, is_settled: bool = True, **counts: int) -> Cohort:
    return Cohort(BEGIN + place * MINUTE, Counts(registered, **counts), is_settled)


@pytest.mark.parametrize(
    "number, top",
    [(0, 1), (1, 1), (7, 7), (9, 9), (10, 10), (11, 12), (61, 80), (81, 100), (101, 120), (8001, 10_000)],
)
def test_an_axis_ends_with_a_pleasant_number(number: int, top: int) -> None:
    assert nice_ceiling(number) == top


def test_an_axis_is_never_much_too_long() -> None:
    assert all(number <= nice_ceiling(number) <= 1.4 * number for number in range(10, 20_000))
    assert NICE[0] * 10 > NICE[-1]


def test_each_bar_has_its_place_and_missing_ones_leave_theirs_empty() -> None:
    bars = drawn(cohort(0, 1), cohort(7, 1)).bars

    assert [bar.x // 10 for bar in bars] == [0, 7]
    assert all(bar.x % 10 + bar.width <= 10 for bar in bars)


@pytest.mark.parametrize("place", [-1, 10])
def test_what_is_beside_the_plot_is_left_out(place: int) -> None:
    assert drawn(cohort(place, 1)).bars == []


def test_a_bar_is_as_high_as_it_has_registrations_and_its_pieces_stand_on_each_other() -> None:
    (bar,) = drawn(cohort(0, 10, mailed=9, activated=5, unused=3)).bars

    assert HEIGHT == 132
    assert bar.pieces == [
        ("activated", Piece(66, 66)),
        ("unused", Piece(26.4, 39.6)),
        ("withdrawn", Piece(0, 26.4)),
    ]
    assert bar.mailed_y == 13.2


def test_who_may_still_activate_is_told_from_who_has_left() -> None:
    (bar,) = drawn(cohort(0, 2, is_settled=False, unused=2)).bars
    assert [kind for kind, _ in bar.pieces] == ["open"]


def test_a_minute_without_anybody_has_no_pieces_and_no_mark() -> None:
    (bar, _) = drawn(cohort(0, 0), cohort(1, 4, unused=4)).bars
    assert (bar.pieces, bar.mailed_y) == ([], None)


def test_ticks_are_at_times_that_people_like_and_not_where_their_text_would_be_cut() -> None:
    assert [(tick.label, tick.x) for tick in drawn(places=20).ticks] == [
        ("12:05", 10),
        ("12:10", 35),
        ("12:15", 60),
        ("12:20", 85),
    ]
    assert [tick.label for tick in drawn(places=2).ticks] == []
    at_the_edge = plot([], BEGIN + timedelta(minutes=2), MINUTE, 51, FIVE_MINUTES)
    assert at_the_edge.ticks[0].label == "12:10"
