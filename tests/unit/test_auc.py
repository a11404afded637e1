import random

import pytest

from bench.auc import auc


def test_who_always_takes_longer_does_so_in_every_pair() -> None:
    assert auc([4, 5, 6], [1, 2, 3]) == 1
    assert auc([1, 2, 3], [4, 5, 6]) == 0


def test_ties_count_half() -> None:
    assert auc([1, 1], [1, 1, 1]) == 0.5
    assert auc([1, 2], [2, 2, 2]) == 0.25


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_share_of_pairs_that_counting_them_gives(seed: int) -> None:
    randomness = random.Random(seed)
    ones, others = ([randomness.randrange(8) for _ in range(randomness.randint(1, 9))] for _ in range(2))
    exceeded = sum(1.0 if one > other else 0.5 if one == other else 0.0 for one in ones for other in others)
    assert auc(ones, others) == pytest.approx(exceeded / (len(ones) * len(others)))
