import time

import pytest

from registration.adapters.rate_limit_memory import BoundedMemoryStorage


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class TestTheMemory:
    async def test_is_bounded_and_forgets_what_was_untouched_for_longest(self, clock: Clock) -> None:
        storage = BoundedMemoryStorage(clock, capacity=3)
        for key in "abcd":
            await storage.acquire_entry(key, 1, 60)
        assert await storage.acquire_entry("a", 1, 60)
        assert not await storage.acquire_entry("d", 1, 60)

    async def test_a_hit_counts_until_its_own_time_is_over(self, clock: Clock) -> None:
        storage = BoundedMemoryStorage(clock)
        assert await storage.acquire_entry("key", 2, 60)
        clock.now += 30
        assert await storage.acquire_entry("key", 2, 60)
        clock.now += 29.9
        assert not await storage.acquire_entry("key", 2, 60)
        clock.now += 0.1
        assert await storage.acquire_entry("key", 2, 60)

    async def test_a_window_that_has_run_out_is_forgotten_though_longer_ones_stay(self, clock: Clock) -> None:
        storage = BoundedMemoryStorage(clock)
        await storage.acquire_entry("of a day", 1, 86_400)
        for number in range(5):
            await storage.acquire_entry(f"of a minute {number}", 1, 60)
        clock.now += 60
        await storage.acquire_entry("of the next minute", 1, 60)
        assert await storage.reset() == 2

    async def test_many_windows_of_one_kind_do_not_drive_out_those_of_another(self, clock: Clock) -> None:
        storage = BoundedMemoryStorage(clock, capacity=10)
        await storage.acquire_entry("of a day", 1, 86_400)
        for number in range(100):
            await storage.acquire_entry(f"of a minute {number}", 1, 60)
        assert not await storage.acquire_entry("of a day", 1, 86_400)
        assert await storage.reset() == 10
