"""Where the bars of a plot are: across in per cent of its width, so that it fits any screen; down in pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from registration.overview import Cohort

HEIGHT = 132
GAP = 0.16
"""Of a bar's place, between it and the next."""

NICE = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80)
"""What an axis may end with, times a power of ten; and with any number below."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Of a bar, from the top down."""

    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A cohort: as high as it has registrations, in pieces by what became of them."""

    x: float
    width: float
    cohort: Cohort
    pieces: Sequence[tuple[str, Piece]]
    """By what became of them, from the ground up; without empty ones."""
    mailed_y: float | None
    """How high it would be had it only those who were mailed; None if nobody registered."""


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    top: int
    """What a bar of full height stands for."""
    bars: Sequence[Bar]
    ticks: Sequence[Tick]


def plot(
    cohorts: Sequence[Cohort], begins_at: datetime, length: timedelta, places: int, ticks_every: timedelta
) -> Plot:
    """A plot with so many places, one for each span of that length; those without a cohort stay empty."""
    top = nice_ceiling(max((cohort.counts.registered for cohort in cohorts), default=0))
    width = 100 / places
    bars = [
        _bar(cohort, (cohort.begins_at - begins_at) / length * width, width, top)
        for cohort in cohorts
        if begins_at <= cohort.begins_at < begins_at + places * length
    ]
    return Plot(top, bars, list(_ticks(begins_at, places * length, ticks_every)))


def nice_ceiling(number: int) -> int:
    """The least number that is pleasant at the end of an axis, and no smaller."""
    if number < NICE[0]:
        return max(number, 1)
    power = 1
    while NICE[-1] * power < number:
        power *= 10
    return min(nice * power for nice in NICE if nice * power >= number)


def _bar(cohort: Cohort, x: float, width: float, top: int) -> Bar:
    def y(registrations: int) -> float:
        return round(HEIGHT * (1 - registrations / top), 2)

    counts = cohort.counts
    parts = [
        ("activated", counts.activated),
        ("unused" if cohort.is_settled else "open", counts.unused),
        ("withdrawn", counts.withdrawn),
    ]
    pieces, ground = [], 0
    for kind, part in parts:
        if part:
            pieces.append((kind, Piece(y(ground + part), round(y(ground) - y(ground + part), 2))))
        ground += part
    return Bar(
        round(x + width * GAP / 2, 3),
        round(width * (1 - GAP), 3),
        cohort,
        pieces,
        mailed_y=y(counts.mailed) if counts.registered else None,
    )


def _ticks(begins_at: datetime, length: timedelta, every: timedelta) -> Iterator[Tick]:
    """At full hours, quarters and so on, but for those too near to an end to be written under it."""
    midnight = begins_at.replace(hour=0, minute=0)
    at = midnight + (begins_at - midnight) // every * every
    while (at := at + every) < begins_at + length:
        x = 100 * ((at - begins_at) / length)
        if 4 <= x <= 96:  # noqa: PLR2004 - per cent
            yield Tick(round(x, 2), f"{at:%H:%M}")
