"""What the rate limiter decides, and when it is asked."""

from collections.abc import Awaitable, Callable

import pytest

from registration.domain.email_address import EmailAddress
from registration.domain.errors import InvalidCredentials, Overloaded, RateLimited, UnacceptablePassword
from registration.domain.user import User
from tests.fake_guards import FakeRateLimiter
from tests.world import ANN, HOME, OTHER_PASSWORD, World

NOBODY = EmailAddress("nobody@example.org")


async def test_a_client_registers_so_often_and_no_more() -> None:
    world = World(limiter=FakeRateLimiter(registrations=1))
    await world.register()
    with pytest.raises(RateLimited):
        await world.register(NOBODY)
    await world.register(NOBODY, client="another")


async def test_a_password_that_is_refused_is_not_counted_as_a_registration() -> None:
    world = World(limiter=FakeRateLimiter(registrations=1))
    with pytest.raises(UnacceptablePassword):
        await world.register(password="short")
    await world.register()


async def test_a_client_shows_passwords_so_often_and_no_more() -> None:
    world = World(limiter=FakeRateLimiter(authentications=2))
    await world.register()
    await world.get()
    await world.get()
    with pytest.raises(RateLimited):
        await world.get()


SHOWING_THE_PASSWORD: dict[str, Callable[[World], Awaitable[object]]] = {
    "get": lambda world: world.get(),
    "new_code": lambda world: world.new_code(),
    "activate": lambda world: world.activate(world.code()),
    "erase": lambda world: world.erase(),
}


@pytest.mark.parametrize("show", SHOWING_THE_PASSWORD.values(), ids=SHOWING_THE_PASSWORD.keys())
async def test_whatever_shows_a_password_counts_for_the_client_that_asked(
    show: Callable[[World], Awaitable[object]],
) -> None:
    world = World(limiter=FakeRateLimiter(authentications=1))
    await world.register()
    world.clock.advance(seconds=30)
    await show(world)
    with pytest.raises(RateLimited):
        await show(world)
    with pytest.raises(RateLimited):
        await world.get()


async def test_a_client_that_guessed_too_many_codes_is_refused_before_its_password_is_looked_at() -> None:
    world = World(limiter=FakeRateLimiter(wrong_codes=1))
    await world.register()
    await world.guess_wrong()
    with pytest.raises(RateLimited):
        await world.activate(world.code())
    with pytest.raises(RateLimited):
        await world.activate(world.code(), password=OTHER_PASSWORD)
    assert isinstance(await world.activate(world.code(), client="another"), User)


@pytest.mark.parametrize("email", [ANN, NOBODY])
async def test_ten_wrong_passwords_shut_a_client_out_whether_or_not_the_address_exists(
    world: World, email: EmailAddress
) -> None:
    await world.register()
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await world.get(email, OTHER_PASSWORD)
    spent = world.hasher.hashes_spent
    with pytest.raises(RateLimited):
        await world.get(email)
    assert world.hasher.hashes_spent == spent


async def test_after_a_hundred_only_who_has_shown_the_present_password_gets_in(world: World) -> None:
    await world.register()
    for number in range(100):
        with pytest.raises(InvalidCredentials):
            await world.get(password=OTHER_PASSWORD, client=f"{number}")
    await world.get(client=HOME)
    with pytest.raises(RateLimited):
        await world.get(client="another")


async def test_having_shown_a_former_password_does_not_help(world: World) -> None:
    await world.register()
    world.clock.advance(seconds=30)
    await world.register(password=OTHER_PASSWORD, client="another")
    for number in range(100):
        with pytest.raises(InvalidCredentials):
            await world.get(password="wrong wrong", client=f"{number}")
    with pytest.raises(RateLimited):
        await world.get(password=OTHER_PASSWORD, client=HOME)
    await world.get(password=OTHER_PASSWORD, client="another")


async def test_registering_is_refused_before_any_work_when_too_much_hashing_waits(world: World) -> None:
    world.hasher.is_overloaded = True
    with pytest.raises(Overloaded):
        await world.register()
    assert world.hasher.hashes_spent == 0
