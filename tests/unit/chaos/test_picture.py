from dataclasses import replace
from xml.etree import ElementTree as ET

from tests.unit.chaos.story import good_guesses
from tools.chaos.figures import Second, answer, seconds
from tools.chaos.picture import draw
from tools.chaos.record import AnsweredBy, Incident

SVG = "{http://www.w3.org/2000/svg}"


def test_counts_each_request_in_the_second_of_its_answer() -> None:
    calls = good_guesses().calls[:3]
    calls[2] = replace(calls[2], by=AnsweredBy.PROXY, status=502, problem=None)
    assert seconds(calls, 1000.0, 1002.5) == [Second(1, 0, 0), Second(0, 1, 0), Second(0, 0, 1)]
    assert [answer(call) for call in calls] == ["202", "422 incorrect-code", "502, by the proxy"]


def test_leaves_out_callers_who_hung_up() -> None:
    (call,) = good_guesses().calls[:1]
    gone = replace(call, by=AnsweredBy.NOBODY, status=None, hung_up=True)
    assert seconds([gone], 1000.0, 1000.5) == [Second(0, 0, 0)]
    assert answer(gone) == "the caller hung up"


def test_the_picture_names_each_fault_and_is_well_formed() -> None:
    incidents = [
        Incident("node killed", "node<2>", 1003.0, 1006.0),
        Incident("provider hangs", "provider", 1010.0, 1012.0),
    ]
    picture = ET.fromstring(  # noqa: S314 - we have written it
        draw(good_guesses().calls, incidents, 1000.0, "Seed 1 & more")
    )
    words = [text.text for text in picture.iter(f"{SVG}text")]
    assert "node killed: node<2>" in words
    assert "provider hangs" in words
    assert "Seed 1 & more" in words
    assert len([each for each in picture.iter(f"{SVG}rect") if each.get("class") == "band"]) == 2


def test_a_run_without_requests_can_be_drawn() -> None:
    assert draw([], [], 1000.0, "nothing").startswith("<svg")
