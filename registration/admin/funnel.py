"""How far people get: the last hour and the last day, each as figures, as a plot, and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from registration.admin.plots import Plot, plot
from registration.overview import (
    HALF_HOUR,
    HALF_HOURS,
    MINUTE,
    MINUTES,
    Cohort,
    Counts,
    Overview,
    first_half_hour_until,
    first_minute_until,
    total,
)


@dataclass(frozen=True, slots=True)
class Span:
    name: str
    unit: str
    cohorts: Sequence[Cohort]
    settled: Counts
    """Of all that is settled."""
    plot: Plot

    @property
    def mails(self) -> int:
        """All that were made, settled or not."""
        return sum(cohort.counts.codes + cohort.counts.notices for cohort in self.cohorts)

    @property
    def failed(self) -> int:
        return sum(cohort.counts.failed for cohort in self.cohorts)

    @property
    def is_empty(self) -> bool:
        return not any(cohort.counts.registered for cohort in self.cohorts)


def spans(overview: Overview) -> Sequence[Span]:
    now, minutes, half_hours = overview.now, overview.minutes, overview.half_hours
    return [
        Span(
            "hour",
            "minute",
            minutes,
            total(minutes),
            plot(minutes, first_minute_until(now), MINUTE, MINUTES, timedelta(minutes=15)),
        ),
        Span(
            "day",
            "half hour",
            half_hours,
            total(half_hours),
            plot(half_hours, first_half_hour_until(now), HALF_HOUR, HALF_HOURS, timedelta(hours=6)),
        ),
    ]
