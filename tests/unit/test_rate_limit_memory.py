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
