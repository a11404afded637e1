from collections.abc import Sequence
from itertools import groupby


def auc(ones: Sequence[float], others: Sequence[float]) -> float:
    """The chance that one of `ones` exceeds one of `others`, ties counting half: 0.5 if neither tends to be more.

    It is the Mann-Whitney U over the number of pairs, and the area under the curve of whoever tells the two apart by a
    threshold. Neither may be empty.
    """
    ranked = sorted([(value, True) for value in ones] + [(value, False) for value in others])
    ranks_of_ones = 0.0
    before = 0
    for _, tied in groupby(ranked, key=lambda each: each[0]):
        are_ones = [is_one for _, is_one in tied]
        ranks_of_ones += sum(are_ones) * (before + (len(are_ones) + 1) / 2)
        before += len(are_ones)
    exceeded = ranks_of_ones - len(ones) * (len(ones) + 1) / 2
    return exceeded / (len(ones) * len(others))
