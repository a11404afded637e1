"""The same suite over the memory of this process and over a real Redis, with a clock that the tests set."""

from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from uuid import uuid4

import pytest
from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.storage.redis import redispy

from registration.adapters.keys import KeyRing
from registration.adapters.rate_limit_memory import BoundedMemoryStorage
from registration.adapters.rate_limiter import LimitsRateLimiter, open_storage
from registration.domain.email_address import EmailAddress
from registration.domain.errors import RateLimited
from tests.unit.test_keys import KeysInMemory
from tests.unit.test_rate_limit_memory import Clock

ANN, BOB = EmailAddress("ann@example.org"), EmailAddress("bob@example.org")
HOME, AWAY = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "redis"])
async def storage(
    request: pytest.FixtureRequest, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Storage]:
    if request.param == "memory":
        yield BoundedMemoryStorage(clock)
        return
    url: str = request.getfixturevalue("own_redis").url
    monkeypatch.setattr(redispy, "time", SimpleNamespace(time=clock))
    async with open_storage(url) as storage:
        yield storage


@pytest.fixture
async def new_limiter(storage: Storage) -> Callable[..., LimitsRateLimiter]:
    keys = KeyRing(KeysInMemory(), ["k" * 32])
    await keys.load()

    def new(*, limits_clients: bool = True, **client_limits: str) -> LimitsRateLimiter:
        items: dict[str, RateLimitItem] = {
            name.replace("_", "-"): parse(limit) for name, limit in client_limits.items()
        }
        return LimitsRateLimiter(storage, keys, items, limits_clients=limits_clients)

    return new


@pytest.fixture
def limiter(new_limiter: Callable[..., LimitsRateLimiter]) -> LimitsRateLimiter:
    return new_limiter(register="2/minute", auth="3/minute", wrong_codes="2/day")


class TestTheLimitsOfOneClient:
    async def test_registrations_are_counted_by_client(
        self, limiter: LimitsRateLimiter, clock: Clock
    ) -> None:
        await limiter.count_registration(HOME)
        await limiter.count_registration(HOME)
        with pytest.raises(RateLimited) as refusal:
            await limiter.count_registration(HOME)
        assert 0 < refusal.value.retry_after.total_seconds() <= 60
        await limiter.count_registration(AWAY)
        clock.now += 60.001
        await limiter.count_registration(HOME)

    async def test_registrations_and_passwords_are_counted_apart(self, limiter: LimitsRateLimiter) -> None:
        await limiter.count_registration(HOME)
        await limiter.count_registration(HOME)
        for _ in range(3):
            await limiter.count_authentication(HOME)
        with pytest.raises(RateLimited):
            await limiter.count_authentication(HOME)

    async def test_equal_figures_are_counted_apart(
        self, new_limiter: Callable[..., LimitsRateLimiter]
    ) -> None:
        limiter = new_limiter(register="2/minute", auth="2/minute")
        await limiter.count_authentication(HOME)
        await limiter.count_authentication(HOME)
        await limiter.count_registration(HOME)

    async def test_wrong_codes_are_counted_over_all_addresses(
        self, limiter: LimitsRateLimiter, clock: Clock
    ) -> None:
        for _ in range(2):
            await limiter.refuse_guesser(HOME)
            await limiter.count_wrong_code(HOME)
        with pytest.raises(RateLimited):
            await limiter.refuse_guesser(HOME)
        clock.now += 86_400.001
        await limiter.refuse_guesser(HOME)

    async def test_what_is_left_out_is_unlimited(self, new_limiter: Callable[..., LimitsRateLimiter]) -> None:
        limiter = new_limiter()
        for _ in range(500):
            await limiter.count_registration(HOME)
            await limiter.count_authentication(HOME)
            await limiter.count_wrong_code(HOME)
            await limiter.refuse_guesser(HOME)


class TestWrongPasswords:
    async def test_ten_shut_the_client_out_of_the_address_even_with_the_right_one(
        self, limiter: LimitsRateLimiter, clock: Clock
    ) -> None:
        credential = uuid4()
        await limiter.count_right_password(HOME, credential)
        for _ in range(10):
            await limiter.refuse_password(ANN, HOME, [credential])
            await limiter.count_wrong_password(ANN, HOME)
        with pytest.raises(RateLimited):
            await limiter.refuse_password(ANN, HOME, [credential])
        await limiter.refuse_password(ANN, AWAY, [])
        await limiter.refuse_password(BOB, HOME, [])
        clock.now += 15 * 60.001
        await limiter.refuse_password(ANN, HOME, [])

    async def test_a_hundred_shut_out_every_client_but_those_that_know_the_password(
        self, limiter: LimitsRateLimiter, clock: Clock
    ) -> None:
        credential = uuid4()
        await limiter.count_right_password(HOME, credential)
        for number in range(100):
            await limiter.count_wrong_password(ANN, f"client {number}")
        await limiter.refuse_password(ANN, HOME, [credential])
        with pytest.raises(RateLimited):
            await limiter.refuse_password(ANN, AWAY, [credential])
        with pytest.raises(RateLimited):
            await limiter.refuse_password(ANN, HOME, [uuid4()])
        clock.now += 86_400.001
        await limiter.refuse_password(ANN, AWAY, [credential])

    async def test_having_shown_the_password_counts_for_a_day_from_the_last_time(
        self, limiter: LimitsRateLimiter, clock: Clock
    ) -> None:
        credential = uuid4()
        await limiter.count_right_password(HOME, credential)
        clock.now += 80_000
        await limiter.count_right_password(HOME, credential)
        for number in range(100):
            await limiter.count_wrong_password(ANN, f"client {number}")
        clock.now += 80_000
        await limiter.refuse_password(ANN, HOME, [credential])

    async def test_one_client_is_not_shut_out_where_all_callers_are_one(
        self, new_limiter: Callable[..., LimitsRateLimiter]
    ) -> None:
        limiter = new_limiter(limits_clients=False)
        for _ in range(50):
            await limiter.count_wrong_password(ANN, HOME)
        await limiter.refuse_password(ANN, HOME, [])
