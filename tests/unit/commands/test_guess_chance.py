"""The chance to guess a code, held against a stranger who plays by the rules as well as can be."""

import pytest

from registration.domain.activation_code import is_live
from registration.domain.email_address import EmailAddress
from registration.domain.errors import RateLimited, TooManyAttempts
from registration.domain.guess_chance import guess_chance
from registration.domain.policy import Policy
from tests.world import World


@pytest.fixture
def world() -> World:
    """Where one client may do what else takes two."""
    return World(policy=Policy(limits_clients=False))


async def guess(world: World, email: EmailAddress) -> int:
    """Show a wrong code; return how many codes it might have been."""
    account = await world.database.read_account(email, "")
    assert account.registration is not None
    codes = account.newest_first(account.registration)
    live = [mail for mail in codes if is_live(mail, account.now, world.policy.code_ttl)]
    await world.guess_wrong(email)
    return len(live)


async def next_code(world: World, email: EmailAddress) -> None:
    """Have another code while the one before lives; its mail is accepted at once."""
    world.clock.advance(seconds=30)
    await (world.new_code(email) if world.mails(email) else world.register(email))
    world.accept_mail(email)


async def guess_at(world: World, email: EmailAddress, *guesses: int) -> int:
    """Guess so often at each of the address's codes; the third guess makes all live ones worthless."""
    hits = 0
    for times in guesses:
        await next_code(world, email)
        hits += sum([await guess(world, email) for _ in range(times)])
    return hits


def tagged(tag: str) -> EmailAddress:
    return EmailAddress(f"ann+{tag}@example.org")


async def test_ten_guesses_at_two_live_codes_are_the_most_that_an_address_bears_in_a_day(
    world: World,
) -> None:
    ann = tagged("a")
    hits = await guess_at(world, ann, 0, 2, 2, 2, 3)
    world.clock.advance(hours=1)
    hits += await guess_at(world, ann, 0, 1)
    assert hits / 10_000 == guess_chance(world.policy).per_day
    for hours in (0, 10, 12):
        world.clock.advance(hours=hours)
        with pytest.raises(TooManyAttempts):
            await world.guess_wrong(ann)


async def test_all_tags_of_a_mailbox_bear_no_more_than_is_said(world: World) -> None:
    hits = 0
    for burst in "ab":
        hits += await guess_at(world, tagged(f"{burst}1"), 2, 3)
        hits += await guess_at(world, tagged(f"{burst}2"), 2, 2, 3)
        world.clock.advance(hours=1)
    assert hits == 40
    assert hits / 10_000 <= guess_chance(world.policy).mailbox_per_day
    for hours in (0, 10, 11):
        world.clock.advance(hours=hours)
        with pytest.raises(RateLimited):
            await world.register(tagged("c"))
