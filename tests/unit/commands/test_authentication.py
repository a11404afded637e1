from registration.domain.events import OutdatedHashMatched
from tests.world import ANN, OTHER_PASSWORD, World


async def test_a_right_password_with_an_old_hash_has_it_renewed(world: World) -> None:
    await world.register_active()
    world.hasher.cost = 13
    await world.get()
    [event] = world.published_outside
    assert isinstance(event, OutdatedHashMatched)
    assert event.email == ANN


async def test_a_hash_of_today_is_left_alone(world: World) -> None:
    await world.register_active()
    await world.get()
    assert world.published_outside == []


async def test_beside_a_decoy_nothing_is_renewed_whoever_looks(world: World) -> None:
    """Else the work would tell its holder that there is a user, whose old salt it shares."""
    await world.register_active()
    world.hasher.cost = 13
    await world.register(password=OTHER_PASSWORD)
    await world.get(password=OTHER_PASSWORD)
    await world.get()
    assert world.published_outside == []
