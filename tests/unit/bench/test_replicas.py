import os

from bench.journeys import Round
from bench.replicas import Outcome

PROCESSORS = len(os.sched_getaffinity(0))


def outcome(busiest_event_loop: float, busy_processors: float, others: float = 0.0) -> Outcome:
    figures = {
        "busiest_event_loop_share_of_a_processor": busiest_event_loop,
        "busy_processors": busy_processors,
        "others_share_of_a_processor": others,
    }
    return Outcome({1: [Round(figures, {})]})


def test_an_event_loop_without_a_pause_is_what_is_full() -> None:
    assert outcome(0.95, 0.8 * PROCESSORS).full == {1: "the busiest event loop (0.95 of a processor)"}


def test_a_machine_without_a_pause_is_what_is_full_and_what_others_took_of_it_is_told() -> None:
    [full] = outcome(0.5, 1.0 * PROCESSORS, others=0.25).full.values()

    assert full.startswith("the machine's processors (")
    assert full.endswith("0.25 with other work)")


def test_both_may_be_full() -> None:
    [full] = outcome(1.0, 1.0 * PROCESSORS).full.values()

    assert "event loop" in full
    assert "machine's processors" in full


def test_nothing_is_full_where_callers_wait_for_something_else() -> None:
    [full] = outcome(0.5, 0.5 * PROCESSORS).full.values()

    assert full.startswith("none: ")
