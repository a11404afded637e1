import time
from array import array
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable

from limits.aio.storage import MovingWindowSupport, Storage

CAPACITY = 100_000
"""Some forty megabytes."""

_Windows = OrderedDict[str, "array[float]"]


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
        self._windows: defaultdict[int, _Windows] = defaultdict(OrderedDict)
        """By their length in seconds, each kind in the order of the last hits: so the first have run out first."""

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        hits = self._hits(key, expiry)
        if len(hits) + amount > limit:
            return False
        hits.extend([self._clock()] * amount)
        windows = self._windows[expiry]
        windows[key] = hits
        windows.move_to_end(key)
        self._forget_what_has_run_out(windows, expiry)
        self._make_room()
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 - theirs
        hits = self._hits(key, expiry)
        return (hits[0] if hits else self._clock(), len(hits))

    def _hits(self, key: str, expiry: int) -> "array[float]":
        """Those that still count, the oldest first."""
        hits = self._windows[expiry].get(key)
        if hits is None:
            return array("d")
        del hits[: bisect_right(hits, self._clock() - expiry)]
        return hits

    def _forget_what_has_run_out(self, windows: _Windows, expiry: int) -> None:
        over = self._clock() - expiry
        while not (oldest := next(iter(windows.values()))) or oldest[-1] <= over:
            windows.popitem(last=False)

    def _make_room(self) -> None:
        """At the cost of the kind that there is most of: a flood of one does not drive out another."""
        if sum(map(len, self._windows.values())) > self._capacity:
            max(self._windows.values(), key=len).popitem(last=False)

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        """Forget everything; return how many windows that were."""
        forgotten = sum(map(len, self._windows.values()))
        self._windows.clear()
        return forgotten

    async def clear(self, key: str) -> None:
        for windows in self._windows.values():
            windows.pop(key, None)

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError  # only fixed windows count so

    async def get(self, key: str) -> int:
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        raise NotImplementedError
