import asyncio
from datetime import timedelta

import pytest

from registration.commands.unlock_address import UnlockAddress
from registration.domain.errors import (
    ExpiredCode,
    IncorrectCode,
    InvalidCredentials,
    Overloaded,
    RateLimited,
    TooManyAttempts,
)
from registration.domain.events import UserActivated
from registration.domain.mail import MailState
from registration.domain.user import User
from registration.queries.get_user import PendingUser
from tests.world import ANN, OTHER_PASSWORD, World


class TestActivating:
    async def test_makes_the_registration_a_user(self, world: World) -> None:
        await world.register()
        world.clock.advance(seconds=5)
        user = await world.activate(world.code())
        assert user.activated_at == world.clock.now
        assert await world.get() == user

    async def test_is_announced_once_however_many_try_at_the_same_time(self, world: World) -> None:
        await world.register()
        world.take_published()
        users = await asyncio.gather(*(world.activate(world.code()) for _ in range(50)))
        assert len(set(map(repr, users))) == 1
        assert world.published == [UserActivated(users[0].credential_id, since_acceptance=None)]

    async def test_is_done_once_when_the_answer_to_the_commit_is_lost(self, world: World) -> None:
        await world.register()
        world.database.lose_commit_answers = 1
        assert isinstance(await world.activate(world.code()), User)
        assert len([event for event in world.published if isinstance(event, UserActivated)]) <= 1

    async def test_an_active_user_gets_the_same_answer_for_any_code(self, world: World) -> None:
        user = await world.register_active()
        assert await world.activate("0000") == user

    async def test_needs_the_password(self, world: World) -> None:
        await world.register()
        with pytest.raises(InvalidCredentials):
            await world.activate(world.code(), password=OTHER_PASSWORD)

    async def test_goes_before_others_when_too_much_hashing_waits_for_its_code_runs_out(
        self, world: World
    ) -> None:
        await world.register()
        world.hasher.is_overloaded = True
        assert isinstance(await world.activate(world.code()), User)
        with pytest.raises(Overloaded):
            await world.get()

    async def test_is_refused_for_an_unknown_address_in_the_time_of_one_hash(self, world: World) -> None:
        with pytest.raises(InvalidCredentials):
            await world.activate("1234")
        assert world.hasher.hashes_spent == 1

    async def test_a_registration_replaced_while_its_password_was_checked_is_not_activated(
        self, world: World
    ) -> None:
        await world.register()
        code = world.code()
        activation = asyncio.create_task(world.activate(code))
        check = world.hasher.check

        async def replace_while_checking(password: str, hashes: object, **options: bool) -> int | None:
            world.hasher.check = check  # type: ignore[method-assign]
            world.clock.advance(seconds=30)
            await world.register(password=OTHER_PASSWORD)
            return await check(password, hashes, **options)  # type: ignore[arg-type]

        world.hasher.check = replace_while_checking  # type: ignore[method-assign]
        with pytest.raises(InvalidCredentials):
            await activation
        assert ANN not in world.database.tables.users


class TestTheMinute:
    async def test_a_code_works_before_its_mail_is_accepted(self, world: World) -> None:
        await world.register()
        world.clock.advance(minutes=9, seconds=59.999)
        assert isinstance(await world.activate(world.code()), User)

    async def test_a_code_whose_mail_was_never_accepted_dies_after_ten_minutes(self, world: World) -> None:
        await world.register()
        world.clock.advance(minutes=10)
        with pytest.raises(ExpiredCode):
            await world.activate(world.code())

    async def test_a_code_works_until_one_minute_after_its_mail_was_accepted(self, world: World) -> None:
        await world.register()
        world.clock.advance(minutes=5)
        world.accept_mail()
        world.clock.advance(seconds=59.999999)
        assert isinstance(await world.activate(world.code()), User)

    async def test_at_exactly_one_minute_it_is_expired(self, world: World) -> None:
        await world.register()
        world.accept_mail()
        world.clock.advance(seconds=60)
        with pytest.raises(ExpiredCode):
            await world.activate(world.code())

    async def test_a_code_whose_mail_was_refused_for_good_is_dead_at_once(self, world: World) -> None:
        await world.register()
        world.mails()[0].state = MailState.FAILED
        with pytest.raises(ExpiredCode):
            await world.activate(world.code())

    async def test_an_expired_code_spends_no_attempt(self, world: World) -> None:
        await world.register()
        world.clock.advance(minutes=10)
        for _ in range(5):
            with pytest.raises(ExpiredCode):
                await world.activate(world.wrong_code())
        await world.new_code()
        assert await world.guess_wrong() == 2


class TestWrongCodes:
    async def test_say_how_many_attempts_are_left(self, world: World) -> None:
        await world.register()
        assert [await world.guess_wrong() for _ in range(3)] == [2, 1, 0]

    async def test_three_make_the_right_code_worthless(self, world: World) -> None:
        await world.register()
        for _ in range(3):
            await world.guess_wrong()
        with pytest.raises(TooManyAttempts) as refusal:
            await world.activate(world.code())
        assert refusal.value.retry_after.total_seconds() == 30

    async def test_three_void_the_older_live_code_as_well(self, world: World) -> None:
        await world.register()
        world.clock.advance(seconds=29)
        world.accept_mail()
        world.clock.advance(seconds=1)
        await world.new_code()
        old_code = world.code(mail=0)
        for _ in range(2):
            await world.guess_wrong()
        assert [mail.voided for mail in world.mails()] == [False, False]
        await world.guess_wrong()
        assert [mail.voided for mail in world.mails()] == [True, True]
        world.clock.advance(seconds=30)
        await world.new_code(client="another")
        with pytest.raises(IncorrectCode):
            await world.activate(old_code)

    async def test_a_new_code_allows_three_more(self, world: World) -> None:
        await world.register()
        for _ in range(3):
            await world.guess_wrong()
        world.clock.advance(seconds=30)
        await world.new_code()
        assert await world.guess_wrong() == 2

    async def test_of_sixty_at_once_three_are_evaluated_and_the_right_code_is_worthless_after_them(
        self, world: World
    ) -> None:
        await world.register()
        wrong = world.wrong_code()
        outcomes = await asyncio.gather(*(world.activate(wrong) for _ in range(60)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes].count(IncorrectCode) == 3
        assert [type(outcome) for outcome in outcomes].count(TooManyAttempts) == 57
        with pytest.raises(TooManyAttempts):
            await world.activate(world.code())

    async def test_are_counted_once_when_the_answer_to_the_commit_is_lost(self, world: World) -> None:
        await world.register()
        world.database.lose_commit_answers = 3
        assert await world.guess_wrong() == 2
        assert await world.guess_wrong() == 1

    async def test_are_not_counted_when_the_commit_fails(self, world: World) -> None:
        await world.register()
        world.database.fail_commit = RuntimeError("disk full")
        with pytest.raises(RuntimeError):
            await world.guess_wrong()
        world.database.fail_commit = None
        assert await world.guess_wrong() == 2

    async def test_ten_in_a_day_lock_activation_new_codes_and_registering(self, world: World) -> None:
        await spend_wrong_codes(world, 10)
        for attempt in (
            world.activate(world.code(), client="z"),
            world.new_code(client="z"),
            world.register(client="z"),
        ):
            with pytest.raises(TooManyAttempts):
                await attempt

    async def test_the_lock_opens_when_the_oldest_is_a_day_old(self, world: World) -> None:
        start = world.clock.now
        await spend_wrong_codes(world, 10)
        with pytest.raises(TooManyAttempts) as refusal:
            await world.register(client="z")
        assert world.clock.now + refusal.value.retry_after == start.replace(day=start.day + 1)
        world.clock.now += refusal.value.retry_after
        await world.register(client="z")

    async def test_one_client_can_spend_five_of_the_ten(self, world: World) -> None:
        await spend_wrong_codes(world, 5, clients=1)
        with pytest.raises(TooManyAttempts):
            await world.activate(world.code(), client="0")
        with pytest.raises(TooManyAttempts):
            await world.new_code(client="0")
        assert isinstance(await world.activate(world.code(), client="1"), User)

    async def test_the_last_of_the_day_says_that_none_is_left(self, world: World) -> None:
        await spend_wrong_codes(world, 9)
        await ask_for_a_new_code(world)
        assert await world.guess_wrong(client="z") == 0

    async def test_survive_erasure(self, world: World) -> None:
        await spend_wrong_codes(world, 10)
        await world.erase()
        with pytest.raises(TooManyAttempts):
            await world.register(client="z")

    async def test_a_hundred_in_a_year_lock_until_an_operator_unlocks(self, world: World) -> None:
        for _ in range(10):
            await spend_wrong_codes(world, 10)
            world.clock.advance(days=7)
        for _ in range(2):
            world.clock.advance(days=300)
            with pytest.raises(TooManyAttempts):
                await world.register(client="z")
        assert await world.bus.dispatch(UnlockAddress(ANN)) == 100
        await world.register(client="z")


async def spend_wrong_codes(world: World, count: int, clients: int = 10) -> None:
    """Show wrong codes, from several clients, with new codes as they are needed."""
    if ANN not in world.database.tables.registrations:
        await world.register(client="setup")
    for spent in range(count):
        client = f"{spent % clients}"
        try:
            await world.guess_wrong(client=client)
        except (TooManyAttempts, ExpiredCode):
            await ask_for_a_new_code(world)
            await world.guess_wrong(client=client)


async def ask_for_a_new_code(world: World) -> None:
    """Wait as long as it takes, and ask from somewhere else each time."""
    client = f"{world.clock.now}"
    try:
        await world.new_code(client=client)
    except RateLimited as refusal:
        world.clock.now += refusal.retry_after
        await world.new_code(client=client)


async def test_a_pending_registration_shows_where_its_mail_is(world: World) -> None:
    await world.register()
    pending = await world.get()
    assert isinstance(pending, PendingUser)
    assert pending.activation.mail is MailState.QUEUED
    assert pending.activation.code_expires_at is None
    world.accept_mail()
    pending = await world.get()
    assert isinstance(pending, PendingUser)
    assert pending.activation.code_expires_at == world.clock.now + world.policy.code_ttl
    assert pending.activation.new_code_at == world.clock.now + world.policy.mail_cooldown


class TestTheTimeSinceItsMail:
    async def test_is_that_of_the_mail_whose_code_was_shown(self, world: World) -> None:
        await world.register()
        world.clock.advance(seconds=20)
        world.accept_mail()
        world.clock.advance(seconds=10)
        await world.new_code()
        world.accept_mail()
        world.clock.advance(seconds=5)
        first, second = world.code(mail=0), world.code(mail=1)
        assert first != second
        world.take_published()
        user = await world.activate(first)
        assert world.published == [UserActivated(user.credential_id, timedelta(seconds=15))]
