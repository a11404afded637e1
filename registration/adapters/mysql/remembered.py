import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

REMEMBERED_SECONDS = 5.0


class Remembered(ABC, Generic[T]):
    """What the database says, asked once in five seconds, however many look; None if it did not answer in time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._alone = asyncio.Lock()
        self._asked_at: float | None = None
        self._answer: T | None = None

    async def __call__(self) -> T | None:
        async with self._alone:
            if self._asked_at is None or self._monotonic() - self._asked_at >= REMEMBERED_SECONDS:
                self._answer = await self._ask()
                self._asked_at = self._monotonic()
            return self._answer

    @abstractmethod
    async def _ask(self) -> T | None:
        """Ask the database; never fails nor waits long."""
