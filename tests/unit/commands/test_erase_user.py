import pytest

from registration.domain.errors import InvalidCredentials
from registration.domain.events import UserErased
from registration.domain.mail import MailState
from registration.queries.get_user import PendingUser
from tests.world import OTHER_PASSWORD, World


async def test_removes_the_user_and_announces_it(world: World) -> None:
    user = await world.register_active()
    await world.erase()
    assert world.published == [UserErased(user.credential_id)]
    with pytest.raises(InvalidCredentials):
        await world.get()


async def test_removes_a_pending_registration_and_its_unsent_mail(world: World) -> None:
    await world.register()
    await world.erase()
    assert world.mails()[0].state is MailState.DROPPED
    with pytest.raises(InvalidCredentials):
        await world.get()


async def test_a_decoys_password_erases_the_decoy_and_not_the_user(world: World) -> None:
    user = await world.register_active()
    await world.register(password=OTHER_PASSWORD)
    await world.erase(password=OTHER_PASSWORD)
    assert await world.get() == user


async def test_the_owners_password_erases_the_user_and_not_the_decoy(world: World) -> None:
    await world.register_active()
    await world.register(password=OTHER_PASSWORD)
    await world.erase()
    assert isinstance(await world.get(password=OTHER_PASSWORD), PendingUser)
    assert world.mails()[0].erased
    assert not world.mails()[-1].erased


async def test_needs_the_password(world: World) -> None:
    await world.register_active()
    with pytest.raises(InvalidCredentials):
        await world.erase(password=OTHER_PASSWORD)
