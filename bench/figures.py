"""From many measured values to the few that are shown."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

PERCENTILES = (50, 95, 99)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Nothing where nothing was measured."""
    return {f"p{percent}": percentile(values, percent) for percent in PERCENTILES if values}


@dataclass(frozen=True, slots=True)
class Spread:
    """The same figure over several rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        if self.low == self.high:
            return short(self.median)
        return f"{short(self.median)}  ({short(self.low)} to {short(self.high)})"


def short(value: float) -> str:
    """Three digits that count, or all of a whole number."""
    decimals = 0 if value == int(value) else max(2 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{decimals}f}".replace(",", " ")


def spreads(rounds: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    """Figure by figure, for those that each round has."""
    names = [name for name in rounds[0] if all(name in figures for figures in rounds)]
    return {name: Spread.of([figures[name] for figures in rounds]) for name in names}


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns: the first to the left, the others to the right."""
    cells = [headings, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
