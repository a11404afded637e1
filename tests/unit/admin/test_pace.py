from datetime import timedelta

import pytest
from prometheus_client.samples import Sample

from registration.admin.figures import Pace
from registration.admin.pace import PaceMeter
from tests.unit.admin.states import Metrics


class Watch:
    """Looks at the hashes of a process which began at 1000."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._measure = PaceMeter(lambda: self.now)

    def look(self, at: float, hashes: int) -> Pace:
        """Each hash has taken a quarter of a second."""
        self.now = 1000 + at
        return self._measure(
            Metrics(
                Sample("registration_hash_seconds_count", {}, hashes),
                Sample("registration_hash_seconds_sum", {}, hashes / 4),
            )
        )


def test_the_first_look_tells_of_all_since_the_start() -> None:
    pace = Watch().look(at=3600, hashes=7200)
    assert (pace.within, pace.hashes, pace.seconds_a_hash) == (timedelta(hours=1), 7200, 0.25)
    assert pace.hashes_a_second == 2


def test_later_ones_tell_of_the_last_minute() -> None:
    watch = Watch()
    for at in range(0, 3600, 10):
        watch.look(at, hashes=0)
    pace = watch.look(at=3600, hashes=30)
    assert (pace.within, pace.hashes) == (timedelta(seconds=60), 30)


def test_after_a_time_without_anybody_looking_the_second_look_tells_of_what_is_between() -> None:
    watch = Watch()
    watch.look(at=3600, hashes=7200)
    pace = watch.look(at=3610, hashes=7205)
    assert (pace.within, pace.hashes) == (timedelta(seconds=10), 5)


@pytest.mark.parametrize("people", [1, 10])
def test_no_matter_how_many_look_at_once_it_is_not_told_of_a_moment(people: int) -> None:
    watch = Watch()
    for at in range(200):
        for _ in range(people):
            pace = watch.look(at, hashes=at)
    assert timedelta(seconds=55) <= pace.within <= timedelta(seconds=65)


def test_without_hashes_there_is_nothing_to_divide_by() -> None:
    pace = Watch().look(at=0, hashes=0)
    assert (pace.hashes_a_second, pace.seconds_a_hash) == (0, 0)
