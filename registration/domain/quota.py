from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `count` events within any `window`."""

    count: int
    window: timedelta

    def free_at(self, newest_first: Sequence[datetime]) -> datetime | None:
        """The instant from which one more fits, in the past where it fits already; None if the quota is not reached."""
        if len(newest_first) < self.count:
            return None
        return newest_first[self.count - 1] + self.window


def free_at(quotas: Iterable[Quota], newest_first: Sequence[datetime]) -> datetime | None:
    """The instant from which one more fits all the quotas; None if it fits whatever the time."""
    return max((at for quota in quotas if (at := quota.free_at(newest_first)) is not None), default=None)
