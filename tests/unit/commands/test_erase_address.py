from registration.commands.erase_address import EraseAddress
from registration.domain.events import UserErased
from registration.domain.mail import MailState
from tests.world import ANN, OTHER_PASSWORD, World


async def test_removes_the_user_and_a_decoy_without_a_password_and_announces_both(world: World) -> None:
    user = await world.register_active()
    await world.register(password=OTHER_PASSWORD)
    decoy = world.database.tables.registrations[ANN]
    world.take_published()

    assert await world.bus.dispatch(EraseAddress(ANN)) == 2

    assert not world.database.tables.users
    assert not world.database.tables.registrations
    assert world.published == [UserErased(user.credential_id), UserErased(decoy.credential_id)]
    assert all(mail.erased for mail in world.mails())


async def test_removes_a_pending_registration_and_its_unsent_mail(world: World) -> None:
    await world.register()

    assert await world.bus.dispatch(EraseAddress(ANN)) == 1

    assert world.mails()[0].state is MailState.DROPPED


async def test_finds_nothing_at_an_unknown_address(world: World) -> None:
    assert await world.bus.dispatch(EraseAddress(ANN)) == 0
    assert world.published == []


async def test_says_what_was_erased_when_the_answer_to_the_commit_is_lost(world: World) -> None:
    await world.register_active()
    world.database.lose_commit_answers = 1
    assert await world.bus.dispatch(EraseAddress(ANN)) == 1
