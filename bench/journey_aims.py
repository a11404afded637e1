"""What "as fast as bcrypt allows" means in figures."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from bench.aims import Aim
from bench.contenders import CEILING, LIBRARY, NAIVE, SERVICE, SERVICE_OF_TWO
from bench.figures import short
from bench.journeys import Measured, Round

MOST_HASHES = 1.06
LEAST_SHARE_OF_CEILING = 0.95
BYSTANDER_MS = 20
SERVICE_MS = 5
STATEMENTS, COMMITS = 14, 3
TIMES_THE_LIBRARY = 2
IDLE_SHARES = {
    "statements_per_journey": "of_that_idle_statements",
    "commits_per_journey": "of_that_idle_commits",
}


def aims(measured: Mapping[int, Measured]) -> list[Aim]:
    """Of what was measured: those that need a contender who was not are left out.

    Contenders are compared round by round, and of the rounds' ratios the median counts: that a machine is slower at
    times is then nobody's advantage.
    """
    return [
        aim
        for cost, by_name in measured.items()
        for aim in (_where_hashing_is_all(cost, by_name) if cost >= 10 else _beside_others(cost, by_name))
    ]


def _where_hashing_is_all(cost: int, measured: Measured) -> Iterator[Aim]:
    ours, ceiling = measured[SERVICE.name], measured[CEILING.name]
    hashes = _median(
        each.figures["of_that_the_journeys_own_ms"] / each.figures["one_hash_ms"] for each in ours
    )
    share = _median(_ratios(ours, ceiling))
    bystander = _median(each.figures["bystander_p99_ms"] for each in ours)
    yield Aim(
        f"cost {cost}: a journey takes the processor at most {MOST_HASHES} times as long as a hash",
        f"{hashes:.3f}",
        hashes <= MOST_HASHES,
    )
    yield Aim(
        f"cost {cost}: at least {LEAST_SHARE_OF_CEILING} of the journeys a second that nothing but hashes makes",
        f"{share:.3f}",
        share >= LEAST_SHARE_OF_CEILING,
    )
    yield Aim(
        f"cost {cost}: 99 % of the bystander's answers within {BYSTANDER_MS} ms",
        f"{short(bystander)} ms",
        bystander < BYSTANDER_MS,
    )


def _beside_others(cost: int, measured: Measured) -> Iterator[Aim]:
    for name in _ours(measured):
        ours, whose = measured[name], f"cost {cost}, {name}"
        took = _median(each.figures["of_that_the_journeys_own_ms"] for each in ours)
        statements = _median(_net(each, "statements_per_journey") for each in ours)
        commits = _median(_net(each, "commits_per_journey") for each in ours)
        yield Aim(
            f"{whose}: at most {SERVICE_MS} ms of the processor a journey",
            f"{took:.2f} ms",
            took <= SERVICE_MS,
        )
        if NAIVE.name in measured:
            naive = _median(each.figures["of_that_the_journeys_own_ms"] for each in measured[NAIVE.name])
            yield Aim(
                f"{whose}: no more of the processor a journey than {NAIVE.name}",
                f"{took:.2f} to {naive:.2f} ms",
                took <= naive,
            )
        # To the tenth: what is done once a second or a minute is in the idle share only by and large.
        yield Aim(
            f"{whose}: at most {STATEMENTS} statements",
            f"{statements:.2f}",
            round(statements, 1) <= STATEMENTS,
        )
        yield Aim(f"{whose}: at most {COMMITS} commits", f"{commits:.2f}", round(commits, 1) <= COMMITS)
    fastest = _ours(measured)[-1]  # of as many processes as the peers have
    for peer, times in ((NAIVE.name, 1), (LIBRARY.name, TIMES_THE_LIBRARY)):
        if peer in measured:
            ratio = _median(_ratios(measured[fastest], measured[peer]))
            yield Aim(
                f"cost {cost}, {fastest}: {times} times the journeys a second of {peer}, or more",
                f"{ratio:.2f}",
                ratio >= times,
            )


def _ours(measured: Measured) -> list[str]:
    return [name for name in (SERVICE.name, SERVICE_OF_TWO.name) if name in measured]


def _ratios(ours: Sequence[Round], theirs: Sequence[Round]) -> Iterator[float]:
    for one, other in zip(ours, theirs, strict=True):
        yield one.figures["journeys_per_second"] / other.figures["journeys_per_second"]


def _net(measured: Round, name: str) -> float:
    """Without what the service spends anyway."""
    return measured.figures[name] - measured.figures[IDLE_SHARES[name]]


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)
