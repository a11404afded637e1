"""The limits of several services in one Redis, and what is left of them when it dies or hangs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from uuid import uuid4

import pytest
from limits import RateLimitItem, parse
from redis.asyncio import Redis
from structlog.testing import capture_logs
from structlog.typing import EventDict

from registration.adapters import rate_limit_redis
from registration.adapters.keys import KeyRing
from registration.adapters.rate_limit_redis import CONNECTIONS, PAUSE_SECONDS, FailOpenRedisStorage
from registration.adapters.rate_limiter import LimitsRateLimiter, open_storage
from registration.domain.email_address import EmailAddress
from registration.domain.errors import RateLimited
from tests.integration.mail.certificates import self_signed
from tests.unit.test_keys import KeysInMemory
from tools.private_redis import PrivateRedis, throwaway_redis

ANN = EmailAddress("ann@example.org")
HOME, AWAY, ELSEWHERE = "192.0.2.1", "198.51.100.7", "203.0.113.9"
LIMITS = {"register": "2/minute", "auth": "2/minute", "wrong-codes": "2/day"}

NewLimiter = Callable[..., Awaitable[LimitsRateLimiter]]


class Monotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def monotonic() -> Monotonic:
    """The clock by which a Redis that is away is left alone."""
    return Monotonic()


@pytest.fixture
def key_store() -> KeysInMemory:
    """The database's keys, from which each service has the same digests."""
    return KeysInMemory()


@pytest.fixture
async def new_limiter(
    own_redis: PrivateRedis, monotonic: Monotonic, key_store: KeysInMemory
) -> AsyncIterator[NewLimiter]:
    """Make the limiter of one more service."""
    async with AsyncExitStack() as stack:

        async def new(url: str = own_redis.url, store: KeysInMemory = key_store) -> LimitsRateLimiter:
            storage = await stack.enter_async_context(aclosing(FailOpenRedisStorage(url, monotonic)))
            keys = KeyRing(store, ["k" * 32])
            await keys.load()
            items: dict[str, RateLimitItem] = {name: parse(limit) for name, limit in LIMITS.items()}
            return LimitsRateLimiter(storage, keys, items, limits_clients=True)

        yield new


@pytest.fixture
async def limiter(new_limiter: NewLimiter) -> LimitsRateLimiter:
    return await new_limiter()


@pytest.fixture
async def inside(own_redis: PrivateRedis) -> AsyncIterator[Redis]:
    """What Redis itself says."""
    async with Redis.from_url(own_redis.url, decode_responses=True) as client:
        yield client


async def is_refused(counting: Awaitable[None]) -> bool:
    try:
        await counting
    except RateLimited:
        return True
    return False


def changes(lines: list[EventDict]) -> list[tuple[str, str]]:
    return [(line["event"], line["log_level"]) for line in lines]


class TestTwoServices:
    async def test_share_the_counts_of_a_client(self, new_limiter: NewLimiter) -> None:
        one, other = await new_limiter(), await new_limiter()
        await one.count_registration(HOME)
        await other.count_registration(HOME)
        assert await is_refused(one.count_registration(HOME))
        assert await is_refused(other.count_registration(HOME))
        assert not await is_refused(other.count_registration(AWAY))

    async def test_share_the_wrong_codes(self, new_limiter: NewLimiter) -> None:
        one, other = await new_limiter(), await new_limiter()
        await one.count_wrong_code(HOME)
        assert not await is_refused(other.refuse_guesser(HOME))
        await other.count_wrong_code(HOME)
        assert await is_refused(one.refuse_guesser(HOME))
        assert not await is_refused(one.refuse_guesser(AWAY))

    async def test_share_the_wrong_passwords_and_who_has_shown_the_right_one(
        self, new_limiter: NewLimiter
    ) -> None:
        one, other = await new_limiter(), await new_limiter()
        credential = uuid4()
        for limiter in (one, other) * 5:
            await limiter.count_wrong_password(ANN, HOME)
        assert await is_refused(one.refuse_password(ANN, HOME, [credential]))
        for number in range(90):
            await other.count_wrong_password(ANN, f"client {number}")
        assert await is_refused(one.refuse_password(ANN, AWAY, [credential]))
        await other.count_right_password(AWAY, credential)
        assert not await is_refused(one.refuse_password(ANN, AWAY, [credential]))


class TestWhatItHolds:
    @pytest.fixture(autouse=True)
    async def _everything_is_counted(self, limiter: LimitsRateLimiter) -> None:
        await limiter.count_registration(HOME)
        await limiter.count_authentication(HOME)
        await limiter.count_wrong_code(HOME)
        await limiter.count_wrong_password(ANN, HOME)
        await limiter.count_right_password(HOME, uuid4())

    async def test_goes_when_its_window_is_over(self, inside: Redis) -> None:
        """So that no flood of clients stays there."""
        windows = {"minute": 60, "day": 86_400}
        keys = await inside.keys()
        assert len(keys) == 6
        for key in keys:
            times, period = str(key).split("/")[-2:]
            assert 0 < await inside.ttl(key) <= int(times) * windows[period]

    async def test_is_named_for_the_service_and_shows_no_address_and_no_client(self, inside: Redis) -> None:
        keys = [str(key) for key in await inside.keys()]
        values = [str(await inside.lrange(key, 0, -1)) for key in keys]
        assert all(key.startswith("registration:") for key in keys)
        for secret in (ANN.text, "ann", "example", HOME):
            assert not [text for text in keys + values if secret in text]

    async def test_means_nothing_without_the_services_keys(self, new_limiter: NewLimiter) -> None:
        """Who has them not cannot even ask whether an address or a client is there."""
        stranger = await new_limiter(store=KeysInMemory())
        await stranger.count_registration(HOME)
        assert not await is_refused(stranger.count_registration(HOME))
        assert await is_refused(stranger.count_registration(HOME))


class TestWhenItDies:
    async def test_everybody_is_let_through_and_that_is_said_once(
        self, own_redis: PrivateRedis, limiter: LimitsRateLimiter, monotonic: Monotonic
    ) -> None:
        await limiter.count_registration(HOME)
        own_redis.kill()
        with capture_logs() as lines:
            for _ in range(20):
                monotonic.now += 0.3
                await limiter.count_registration(HOME)
                await limiter.refuse_guesser(HOME)
                await limiter.refuse_password(ANN, HOME, [uuid4()])
                await limiter.count_wrong_password(ANN, HOME)
                await limiter.count_right_password(HOME, uuid4())
        assert changes(lines) == [("rate_limits_unavailable", "warning")]

    async def test_it_is_counted_again_when_it_is_back_and_that_is_said_once(
        self, own_redis: PrivateRedis, limiter: LimitsRateLimiter, monotonic: Monotonic
    ) -> None:
        own_redis.kill()
        await limiter.count_registration(HOME)
        own_redis.start()
        monotonic.now += PAUSE_SECONDS
        with capture_logs() as lines:
            await limiter.count_registration(HOME)
            await limiter.count_registration(HOME)
            assert await is_refused(limiter.count_registration(HOME))
        assert changes(lines) == [("rate_limits_available", "info")]

    async def test_a_restart_between_two_requests_is_noticed_by_nobody(
        self, own_redis: PrivateRedis, limiter: LimitsRateLimiter
    ) -> None:
        await limiter.count_registration(HOME)
        own_redis.kill()
        own_redis.start()
        with capture_logs() as lines:
            await limiter.count_registration(AWAY)
            await limiter.count_registration(AWAY)
            assert await is_refused(limiter.count_registration(AWAY))
        assert lines == []


class TestWhenItHangs:
    async def test_only_one_request_waits_for_it(
        self, own_redis: PrivateRedis, limiter: LimitsRateLimiter
    ) -> None:
        """Half a second; a hundred of them one after the other would take most of a minute."""
        await limiter.count_registration(HOME)
        own_redis.pause()
        with capture_logs() as lines:
            async with asyncio.timeout(20):
                for number in range(100):
                    await limiter.count_registration(f"client {number}")
        [line] = lines
        assert (line["event"], line["error"]) == ("rate_limits_unavailable", "TimeoutError")

    async def test_that_one_waits_no_longer_than_it_is_given(
        self,
        own_redis: PrivateRedis,
        limiter: LimitsRateLimiter,
        monotonic: Monotonic,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Redis's own client would give up after five seconds."""
        monkeypatch.setattr(rate_limit_redis, "ANSWER_SECONDS", 0.05)
        own_redis.pause()
        async with asyncio.timeout(20):
            for _ in range(20):
                await limiter.count_registration(HOME)
                monotonic.now += PAUSE_SECONDS

    async def test_requests_that_come_together_wait_together(
        self, own_redis: PrivateRedis, limiter: LimitsRateLimiter
    ) -> None:
        """Also those for which there was no connection."""
        await limiter.count_registration(HOME)
        own_redis.pause()
        with capture_logs() as lines:
            async with asyncio.timeout(20):
                await asyncio.gather(*(limiter.count_registration(HOME) for _ in range(50 * CONNECTIONS)))
        assert changes(lines) == [("rate_limits_unavailable", "warning")]

    async def test_answers_that_nobody_waited_for_are_not_taken_for_later_ones(
        self, own_redis: PrivateRedis, limiter: LimitsRateLimiter, monotonic: Monotonic
    ) -> None:
        await limiter.count_wrong_code(HOME)
        await limiter.count_wrong_code(HOME)
        own_redis.pause()
        await asyncio.gather(*(limiter.refuse_guesser(HOME) for _ in range(CONNECTIONS)))
        own_redis.resume()
        monotonic.now += PAUSE_SECONDS
        for _ in range(CONNECTIONS):
            assert not await is_refused(limiter.refuse_guesser(AWAY))
            assert await is_refused(limiter.refuse_guesser(HOME))


class TestOverTLS:
    @pytest.fixture
    def redis_with_tls(self, redis_program: Path, tmp_path: Path) -> Iterator[PrivateRedis]:
        self_signed(tmp_path)
        with throwaway_redis(redis_program, tmp_path / "self_signed.pem") as redis:
            yield redis

    async def test_it_counts_where_the_certificate_is_trusted(
        self, redis_with_tls: PrivateRedis, new_limiter: NewLimiter, tmp_path: Path
    ) -> None:
        trust = f"?ssl_ca_certs={tmp_path / 'self_signed.pem'}&ssl_check_hostname=false"
        limiter = await new_limiter(redis_with_tls.url + trust)
        for _ in range(2):
            await limiter.count_registration(HOME)
        assert await is_refused(limiter.count_registration(HOME))

    async def test_it_is_not_spoken_to_where_it_is_not(
        self, redis_with_tls: PrivateRedis, new_limiter: NewLimiter
    ) -> None:
        limiter = await new_limiter(redis_with_tls.url)
        with capture_logs() as lines:
            for _ in range(3):
                await limiter.count_registration(HOME)
        assert changes(lines) == [("rate_limits_unavailable", "warning")]

    async def test_one_that_hangs_does_not_hold_up_the_end(
        self, redis_with_tls: PrivateRedis, tmp_path: Path
    ) -> None:
        trust = f"?ssl_ca_certs={tmp_path / 'self_signed.pem'}&ssl_check_hostname=false"
        async with asyncio.timeout(20), open_storage(redis_with_tls.url + trust) as storage:
            assert await storage.check()
            redis_with_tls.pause()


async def test_a_burst_is_counted_to_the_last_request(limiter: LimitsRateLimiter) -> None:
    with capture_logs() as lines:
        refused = await asyncio.gather(*(is_refused(limiter.count_registration(HOME)) for _ in range(300)))
    assert refused.count(False) == 2
    assert lines == []


async def test_a_password_that_redis_refuses_is_not_told(
    own_redis: PrivateRedis, new_limiter: NewLimiter
) -> None:
    limiter = await new_limiter(own_redis.url.replace(own_redis.password, "not-the-right-one"))
    with capture_logs() as lines:
        for _ in range(3):
            await limiter.count_registration(HOME)
    [line] = lines
    assert (line["event"], line["error"]) == ("rate_limits_unavailable", "AuthenticationError")
    assert "not-the-right-one" not in str(line)


async def test_a_storage_that_is_closed_leaves_no_connection(own_redis: PrivateRedis, inside: Redis) -> None:
    async with open_storage(own_redis.url) as storage:
        await asyncio.gather(*(storage.check() for _ in range(3)))
        assert len(await inside.client_list()) > 1
    assert len(await inside.client_list()) == 1
