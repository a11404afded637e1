import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02
CLOCK_SECONDS = 0.005


async def until(probe: Callable[[], Awaitable[T | None]], what: str, seconds: float = 20) -> T:
    """Ask again and again until the answer is neither None, False nor empty; return it.

    A turn counts as a second at most: what runs beside a test that blocks the loop is not late for that.
    """
    loop = asyncio.get_running_loop()
    waited, last = 0.0, loop.time()
    while True:
        if answer := await probe():
            return answer
        waited, last = waited + min(loop.time() - last, 1.0), loop.time()
        assert waited < seconds, f"not within {seconds} s: {what}"
        await asyncio.sleep(POLL_SECONDS)


async def until_time(at: datetime) -> None:
    """Let the clock, which the database on this machine shares, pass that time."""
    left = (at - datetime.now(UTC)).total_seconds()
    await asyncio.sleep(max(left, 0) + CLOCK_SECONDS)
