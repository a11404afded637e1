from collections.abc import Awaitable, Callable, Sequence

import pytest

from registration.commands.register_user import RegisterUser
from registration.domain.errors import (
    AlreadyActive,
    ExpiredCode,
    IncorrectCode,
    InvalidCredentials,
    RateLimited,
)
from registration.domain.events import ActivationCodeIssued, TakenAddressRegistered
from registration.domain.mail import MailKind, MailState
from registration.domain.password import PasswordHash
from registration.domain.policy import Policy
from registration.domain.user import User
from tests.world import ANN, HOME, OTHER_PASSWORD, PASSWORD, World


async def test_mails_another_code(world: World) -> None:
    await world.register()
    world.take_published()
    world.clock.advance(seconds=30)
    await world.new_code()
    assert len(world.mails()) == 2
    assert world.published == [ActivationCodeIssued(world.mails()[-1].new.id)]
    assert isinstance(await world.activate(world.code()), User)


async def test_is_refused_within_the_cooldown(world: World) -> None:
    await world.register()
    world.clock.advance(seconds=29)
    with pytest.raises(RateLimited):
        await world.new_code()


async def test_an_active_user_needs_none(world: World) -> None:
    await world.register_active()
    with pytest.raises(AlreadyActive):
        await world.new_code()


async def test_one_who_became_active_while_the_password_was_checked_needs_none_either(world: World) -> None:
    await world.register()
    world.clock.advance(seconds=30)
    while_checking(world, lambda: world.activate(world.code()))
    with pytest.raises(AlreadyActive):
        await world.new_code()
    assert len(world.mails()) == 1


async def test_a_registration_that_was_replaced_while_its_password_was_checked_gets_none(
    world: World,
) -> None:
    await world.register()
    world.clock.advance(seconds=30)
    while_checking(world, lambda: world.register(password=OTHER_PASSWORD))
    with pytest.raises(InvalidCredentials):
        await world.new_code()
    assert len(world.mails()) == 2


async def test_mails_it_in_the_language_of_the_first(world: World) -> None:
    await world.bus.dispatch(RegisterUser(ANN, PASSWORD, HOME, "de"))
    world.clock.advance(seconds=30)
    await world.new_code()
    assert [mail.new.language for mail in world.mails()] == ["de", "de"]


async def test_mails_it_in_english_where_no_earlier_mail_is_left_to_tell_the_language(world: World) -> None:
    await world.bus.dispatch(RegisterUser(ANN, PASSWORD, HOME, "de"))
    world.database.tables.mails.clear()
    await world.new_code()
    assert [mail.new.language for mail in world.mails()] == ["en"]


async def test_needs_the_password(world: World) -> None:
    await world.register()
    with pytest.raises(InvalidCredentials):
        await world.new_code(password=OTHER_PASSWORD)


async def test_mails_the_owner_another_notice_for_a_decoy(world: World) -> None:
    await world.register_active()
    await world.register(password=OTHER_PASSWORD)
    world.take_published()
    world.clock.advance(seconds=30)
    await world.new_code(password=OTHER_PASSWORD)
    notice = world.mails()[-1]
    assert notice.new.kind is MailKind.ADDRESS_TAKEN
    assert world.published == [TakenAddressRegistered(notice.new.id)]


async def test_the_code_in_the_mailbox_works_on_until_its_own_minute_is_over(world: World) -> None:
    await world.register()
    world.accept_mail()
    world.clock.advance(seconds=30)
    await world.new_code()
    world.clock.advance(seconds=29.999)
    assert isinstance(await world.activate(world.code(mail=0)), User)


async def test_the_older_code_expires_alone(world: World) -> None:
    await world.register()
    world.accept_mail()
    world.clock.advance(seconds=30)
    await world.new_code()
    world.accept_mail()
    world.clock.advance(seconds=30)
    with pytest.raises(IncorrectCode):
        await world.activate(world.code(mail=0))
    assert isinstance(await world.activate(world.code(mail=1)), User)


async def test_a_mail_that_waits_unsent_is_dropped_and_its_code_void(world: World) -> None:
    await world.register()
    world.clock.advance(seconds=30)
    world.release_mail()
    await world.new_code()
    assert world.mails()[0].state is MailState.DROPPED
    with pytest.raises(IncorrectCode):
        await world.activate(world.code(mail=0))


async def test_a_mail_that_may_have_arrived_is_not_sent_again_but_its_code_works(world: World) -> None:
    await world.register()
    world.clock.advance(seconds=30)
    world.release_mail()
    world.mails()[0].maybe_sent = True
    await world.new_code()
    assert world.mails()[0].state is MailState.DROPPED
    assert isinstance(await world.activate(world.code(mail=0)), User)


async def test_a_third_live_code_voids_the_oldest() -> None:
    world = World(Policy(mail_cooldown=Policy().mail_cooldown * 0))
    await world.register()
    world.accept_mail()
    for _ in range(2):
        world.clock.advance(seconds=1)
        await world.new_code()
        world.accept_mail()
    with pytest.raises(IncorrectCode):
        await world.activate(world.code(mail=0))
    assert isinstance(await world.activate(world.code(mail=1)), User)


async def test_a_void_code_stays_void_when_a_later_one_fails() -> None:
    world = World(Policy(mail_cooldown=Policy().mail_cooldown * 0))
    await world.register()
    world.accept_mail()
    for _ in range(2):
        world.clock.advance(seconds=1)
        await world.new_code()
        world.accept_mail()
    for mail in world.mails()[1:]:
        mail.state, mail.accepted_at = MailState.FAILED, None
    with pytest.raises(ExpiredCode):
        await world.activate(world.code(mail=0))


async def test_is_sent_once_when_the_answer_to_the_commit_is_lost(world: World) -> None:
    await world.register()
    world.clock.advance(seconds=30)
    world.database.lose_commit_answers = 1
    await world.new_code()
    assert len(world.mails()) == 2


def while_checking(world: World, happens: Callable[[], Awaitable[object]]) -> None:
    """Have something happen before the next password is checked."""
    check = world.hasher.check

    async def check_after_it(
        password: str, hashes: Sequence[PasswordHash], *, urgent: bool = False
    ) -> int | None:
        world.hasher.check = check  # type: ignore[method-assign]
        await happens()
        return await check(password, hashes, urgent=urgent)

    world.hasher.check = check_after_it  # type: ignore[method-assign]
