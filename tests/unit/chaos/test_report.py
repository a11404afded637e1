from dataclasses import replace

from tests.unit.chaos.story import good_journey
from tools.chaos.check import check
from tools.chaos.record import Incident
from tools.chaos.recovery import Recovery
from tools.chaos.report import report

INCIDENT = Incident("node killed", "node2", 1001.0, 1002.0)


def test_tells_the_verdict_of_each_rule_and_how_soon_answers_came_again() -> None:
    found = good_journey().record()
    text = report("A run", found, [Recovery(INCIDENT, 3.24, 0.1, 7)], check(found), ["The nodes agree."])
    assert "| every 202 has its mail, or a recorded reason | 1 | kept | 1 mailed |" in text
    assert "| node killed | node2 | 1 s | 3.2 s | 0.1 s | 7 |" in text
    assert "The nodes agree." in text
    assert "Broken" not in text


def test_makes_broken_rules_and_missed_aims_stand_out() -> None:
    story = good_journey()
    story.calls[1] = replace(story.calls[1], status=500, problem="internal-error")
    found = story.record()
    text = report("A run", found, [Recovery(INCIDENT, None, 12.3, 7)], check(found), [])
    assert "**1 broken**" in text
    assert "- look of ann@example.org by journey 1, call-3, sent at 1001.100: 500 internal-error" in text
    assert "| **not in time** | **12.3 s** |" in text
