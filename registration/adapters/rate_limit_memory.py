import time
from collections import OrderedDict, deque
from collections.abc import Callable

from limits.aio.storage import MovingWindowSupport, Storage

CAPACITY = 100_000


class BoundedMemoryStorage(Storage, MovingWindowSupport):
    """Moving windows in this process's memory, for `limits`: as many as fit, those untouched for longest forgotten.

    The library's own memory storage walks through all of its keys at every hit, a thread hop each: with the keys of
    a flood that is the flood's work done for it.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float] = time.time, capacity: int = CAPACITY) -> None:
        super().__init__()
        self._clock = clock
        self._capacity = capacity
        self._hits: OrderedDict[str, deque[float]] = OrderedDict()

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        hits = self._window(key, expiry)
        if len(hits) + amount > limit:
            return False
        hits.extend([self._clock()] * amount)
        self._hits[key] = hits
        self._hits.move_to_end(key)
        if len(self._hits) > self._capacity:
            self._hits.popitem(last=False)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 - theirs
        hits = self._window(key, expiry)
        return (hits[0] if hits else self._clock(), len(hits))

    def _window(self, key: str, expiry: int) -> deque[float]:
        """The hits that still count."""
        hits = self._hits.get(key, deque())
        while hits and hits[0] <= self._clock() - expiry:
            hits.popleft()
        return hits

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        """Forget everything; return how many windows that were."""
        forgotten = len(self._hits)
        self._hits.clear()
        return forgotten

    async def clear(self, key: str) -> None:
        self._hits.pop(key, None)

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError  # only fixed windows count so

    async def get(self, key: str) -> int:
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        raise NotImplementedError
