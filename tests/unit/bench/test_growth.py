from bench.growth import COMPARED, Outcome


def test_growth_is_judged_round_by_round() -> None:
    """A machine that was slow in the second round was so for both databases."""
    few = [dict.fromkeys(COMPARED, took) for took in (10.0, 20.0, 10.0)]
    many = [dict.fromkeys(COMPARED, took) for took in (10.9, 21.0, 12.0)]

    aims = Outcome({"few": few, "many": many}, {}, 1.0).aims

    assert [(aim.found, aim.is_met) for aim in aims] == [("1.090", True)] * len(COMPARED)


def test_a_figure_that_grows_with_the_tables_is_told() -> None:
    few = [dict.fromkeys(COMPARED, 10.0)]
    many = [dict.fromkeys(COMPARED, 10.0) | {"register_p50_ms": 11.2}]

    missed = [aim for aim in Outcome({"few": few, "many": many}, {}, 1.0).aims if not aim.is_met]

    assert [aim.wanted for aim in missed] == ["register p50 ms: at most 1.1 times"]
