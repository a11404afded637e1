"""How soon answers came again, from when they were asked for."""

from dataclasses import replace

import pytest

from tests.unit.chaos.story import LOOK, Story
from tools.chaos.record import AnsweredBy, Call, HandedIn, Incident
from tools.chaos.recovery import Recovery, recoveries

BROKEN_AT, MENDED_AT = 1010.0, 1020.0
NODE = Incident("node killed", "node1", BROKEN_AT, MENDED_AT)
PROVIDER = Incident("provider refuses", "provider", BROKEN_AT, MENDED_AT)


def steady(failing: tuple[float, float] = (0, 0), taking: float = 0.05) -> list[Call]:
    """Five requests a second for fifty seconds; those that are sent while it fails are answered 503."""
    story = Story()
    good = story.call(LOOK, status="active", activated_at="2026-11-22T00:00:00Z")
    bad = story.call(LOOK, problem="unavailable")
    calls = []
    for number in range(250):
        at = 1000 + number / 5
        kind = bad if failing[0] <= at < failing[1] else good
        calls.append(replace(kind, sent_at=at, answered_at=at + taking))
    return calls


def the_one(calls: list[Call], *handed_in: HandedIn, incident: Incident = NODE) -> Recovery:
    (recovery,) = recoveries(calls, handed_in, [incident])
    return recovery


def test_is_at_once_where_nobody_noticed() -> None:
    recovery = the_one(steady())
    assert (recovery.after_breaking, recovery.after_mending, recovery.failed) == (0, 0, 0)
    assert recovery.is_as_aimed


def test_is_when_for_a_second_everybody_was_answered() -> None:
    recovery = the_one(steady(failing=(1010, 1014)))
    assert recovery.after_breaking == pytest.approx(4, abs=0.25)
    assert recovery.failed == 20
    assert recovery.is_as_aimed


def test_counts_those_who_waited_for_long_as_let_down() -> None:
    calls = steady()
    slow = next(at for at, call in enumerate(calls) if call.sent_at >= 1012)
    calls[slow] = replace(calls[slow], answered_at=calls[slow].sent_at + 4)
    calls[slow - 3] = replace(calls[slow - 3], by=AnsweredBy.PROXY, status=502)
    recovery = the_one(calls)
    assert recovery.after_breaking == 0  # the second before was as ever
    assert the_one(calls, incident=replace(NODE, began_at=1011.3)).after_breaking == pytest.approx(
        0.8, abs=0.25
    )


def test_does_not_count_those_who_hung_up() -> None:
    calls = [
        replace(call, by=AnsweredBy.NOBODY, status=None, hung_up=True) if number % 2 else call
        for number, call in enumerate(steady(), start=1)
    ]
    assert the_one(calls).failed == 0


def test_misses_the_aim_where_answers_come_too_late() -> None:
    recovery = the_one(steady(failing=(1020, 1031)))
    assert recovery.after_mending == pytest.approx(11, abs=0.25)
    assert not recovery.is_as_aimed


def test_misses_the_aim_where_answers_never_come() -> None:
    recovery = the_one(steady(failing=(1010, 2000)))
    assert recovery.after_breaking is None
    assert not recovery.is_as_aimed


def test_a_provider_is_back_with_the_first_mail_that_it_was_given() -> None:
    late = HandedIn("mail", "ann@example.org", "1234", 1022.9, 1023.0, accepted=True, told=True)
    lost = replace(late, began_at=1021, ended_at=1021, told=False)
    assert the_one(steady(), lost, late, incident=PROVIDER).after_mending == 3
    assert the_one(steady(), lost, incident=PROVIDER).after_mending is None
