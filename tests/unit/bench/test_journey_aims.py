from collections.abc import Mapping

import pytest

from bench.contenders import CEILING, LIBRARY, NAIVE, SERVICE, SERVICE_OF_TWO
from bench.journey_aims import aims
from bench.journeys import Measured, Round

GOOD: Mapping[str, float] = {
    "journeys_per_second": 200,
    "of_that_the_journeys_own_ms": 4.5,
    "one_hash_ms": 1,
    "statements_per_journey": 14.3,
    "of_that_idle_statements": 0.3,
    "commits_per_journey": 3.1,
    "of_that_idle_commits": 0.1,
    "bystander_p99_ms": 8,
}


def rounds(*changes: Mapping[str, float]) -> list[Round]:
    return [Round({**GOOD, **change}, {}) for change in changes]


@pytest.fixture
def cheap() -> dict[str, list[Round]]:
    """At cost 4, with every aim met."""
    return {
        SERVICE.name: rounds({"journeys_per_second": 150}),
        SERVICE_OF_TWO.name: rounds({}),
        NAIVE.name: rounds({"journeys_per_second": 190, "of_that_the_journeys_own_ms": 4.6}),
        LIBRARY.name: rounds({"journeys_per_second": 99}),
    }


@pytest.fixture
def dear() -> dict[str, list[Round]]:
    """At cost 12, likewise."""
    return {
        SERVICE.name: rounds(
            {"journeys_per_second": 9.6, "of_that_the_journeys_own_ms": 211, "one_hash_ms": 200}
        ),
        CEILING.name: rounds({"journeys_per_second": 10}),
    }


def missed(cost: int, measured: Measured) -> str:
    return " / ".join(aim.wanted for aim in aims({cost: measured}) if not aim.is_met)


def test_all_aims_are_met_by_good_figures(
    cheap: dict[str, list[Round]], dear: dict[str, list[Round]]
) -> None:
    found = aims({12: dear, 4: cheap})

    assert len(found) == 3 + 2 * 4 + 2
    assert all(aim.is_met for aim in found)


@pytest.mark.parametrize(
    "name,figure,value,what",
    [
        (SERVICE.name, "of_that_the_journeys_own_ms", 5.1, "at most 5 ms"),
        (SERVICE.name, "of_that_the_journeys_own_ms", 4.7, "than naive"),
        (SERVICE_OF_TWO.name, "statements_per_journey", 14.4, "at most 14 statements"),
        (SERVICE_OF_TWO.name, "commits_per_journey", 3.2, "at most 3 commits"),
        (SERVICE_OF_TWO.name, "journeys_per_second", 189, "times the journeys a second of naive"),
        (LIBRARY.name, "journeys_per_second", 101, "times the journeys a second of fastapi-users"),
    ],
)
def test_an_aim_at_a_low_cost_is_missed(
    cheap: dict[str, list[Round]], name: str, figure: str, value: float, what: str
) -> None:
    cheap[name] = [Round({**each.figures, figure: value}, {}) for each in cheap[name]]

    assert what in missed(4, cheap)


@pytest.mark.parametrize(
    "figure,value,what",
    [
        ("of_that_the_journeys_own_ms", 213, "1.06 times as long as a hash"),
        ("journeys_per_second", 9.4, "that nothing but hashes makes"),
        ("bystander_p99_ms", 20, "within 20 ms"),
    ],
)
def test_an_aim_at_a_high_cost_is_missed(
    dear: dict[str, list[Round]], figure: str, value: float, what: str
) -> None:
    dear[SERVICE.name] = [Round({**each.figures, figure: value}, {}) for each in dear[SERVICE.name]]

    assert what in missed(12, dear)


def test_a_machine_that_was_slow_for_a_round_decides_nothing() -> None:
    """The medians by themselves are 100 and 60; round by round each makes as many as the other, or more."""
    measured = {
        SERVICE.name: rounds(*({"journeys_per_second": speed} for speed in (100, 60, 50))),
        CEILING.name: rounds(*({"journeys_per_second": speed} for speed in (100, 100, 50))),
    }

    (share,) = [aim for aim in aims({12: measured}) if "nothing but hashes" in aim.wanted]

    assert share.found == "1.000"


def test_aims_that_need_peers_are_left_out_without_them(cheap: dict[str, list[Round]]) -> None:
    del cheap[NAIVE.name], cheap[LIBRARY.name]

    found = aims({4: cheap})

    assert len(found) == 2 * 3
    assert all(aim.is_met for aim in found)
