import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog
from limits.aio.storage import RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.errors import StorageError

ANSWER_SECONDS = 0.5
PAUSE_SECONDS = 1.0
CONNECTIONS = 20

A = TypeVar("A")

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def is_redis_uri(uri: str) -> bool:
    """Whether a Redis can be asked by it; none is."""
    if not uri.startswith(("redis://", "rediss://")):
        return False
    try:
        FailOpenRedisStorage(uri).bridge.storage.connection_pool.make_connection()
    except Exception:  # noqa: BLE001 - what theirs raise is of many kinds, and quotes the password
        return False
    return True


class FailOpenRedisStorage(RedisStorage):
    """Moving windows in Redis, for `limits`. While Redis is away, it is as if nothing had been counted.

    Nobody is limited then: going on is worth more, and the database counts guesses all the same. After a question that
    was not answered none is asked for a second; then one is, and no request waits for more than that one.
    """

    STORAGE_SCHEME: list[str] = []  # noqa: RUF012 - theirs; nothing is to find this class by a URI

    bridge: RedispyBridge

    def __init__(self, uri: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        from redis.asyncio.retry import Retry  # noqa: PLC0415 - a tenth of a second that only Redis needs
        from redis.backoff import NoBackoff  # noqa: PLC0415 - likewise

        super().__init__(
            f"async+{uri}",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="registration",
            max_connections=CONNECTIONS,
            retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]  # theirs names plain values only
        )
        self._monotonic = monotonic
        # The pool refuses whoever finds no connection free: at a burst that would be as good as no limit.
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._is_away = False
        self._ask_again_at = 0.0

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return await self._ask(partial(super().acquire_entry, key, limit, expiry, amount), otherwise=True)

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        return await self._ask(
            partial(super().get_moving_window, key, limit, expiry), otherwise=(time.time(), 0)
        )

    async def clear(self, key: str) -> None:
        await self._ask(partial(super().clear, key), otherwise=None)

    async def aclose(self) -> None:
        with contextlib.suppress(TimeoutError):  # over TLS a Redis that hangs does not say goodbye
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.bridge.storage.aclose()

    async def _ask(self, question: Callable[[], Awaitable[A]], otherwise: A) -> A:
        async with self._free:
            if self._is_away and self._monotonic() < self._ask_again_at:
                return otherwise
            self._ask_again_at = self._monotonic() + PAUSE_SECONDS  # whoever comes while we ask goes on
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    answer = await question()
            except (StorageError, OSError) as error:  # TimeoutError is among these
                self._goes_away(error)
                return otherwise
            self._is_back()
            return answer

    def _goes_away(self, error: Exception) -> None:
        self._ask_again_at = self._monotonic() + PAUSE_SECONDS
        if not self._is_away:
            cause = error.storage_error if isinstance(error, StorageError) else error
            log.warning("rate_limits_unavailable", error=type(cause).__name__)
        self._is_away = True

    def _is_back(self) -> None:
        if self._is_away:
            log.info("rate_limits_available")
        self._is_away = False
