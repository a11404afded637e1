"""How far people get: what happens to them, the events of that, and the figures that these move."""

from collections.abc import AsyncIterator

import pytest

from registration.messaging.event_dispatcher import EventDispatcher
from registration.observability.progress import PrometheusProgress
from registration.wiring import subscribe_handlers
from tests.readings import Readings
from tests.world import OTHER_PASSWORD, World

FUNNEL = ("registered", "codes_issued", "activated", "erased", "taken_addresses")


class NoDelivery:
    """A MailDelivery that leaves every mail where it is."""

    async def deliver(self, mail_id: object) -> None:
        pass


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def dispatcher(world: World) -> AsyncIterator[EventDispatcher]:
    dispatcher = EventDispatcher()
    subscribe_handlers(dispatcher, world.ports, NoDelivery(), PrometheusProgress())
    yield dispatcher
    await dispatcher.drain(5)


async def counted(world: World, dispatcher: EventDispatcher) -> dict[str, float]:
    """What moved by all that was published lately."""
    readings = Readings()
    for event in world.take_published():
        dispatcher.publish(event)
    await dispatcher.drain(5)
    moved = {name: readings.moved(f"registration_{name}_total") for name in FUNNEL}
    return {name: by for name, by in moved.items() if by}


async def test_a_registration_and_its_code_are_counted(world: World, dispatcher: EventDispatcher) -> None:
    await world.register()
    assert await counted(world, dispatcher) == {"registered": 1, "codes_issued": 1}


async def test_a_new_code_is_no_registration(world: World, dispatcher: EventDispatcher) -> None:
    await world.register()
    world.take_published()
    world.clock.advance(seconds=30)
    await world.new_code()
    assert await counted(world, dispatcher) == {"codes_issued": 1}


async def test_a_taken_address_is_counted_apart_also_when_it_asks_for_a_code(
    world: World, dispatcher: EventDispatcher
) -> None:
    await world.register_active()
    await world.register(password=OTHER_PASSWORD)
    world.clock.advance(seconds=30)
    await world.new_code(password=OTHER_PASSWORD)
    assert await counted(world, dispatcher) == {"taken_addresses": 2}


async def test_an_activation_is_counted_with_the_time_since_its_mail_was_accepted(
    world: World, dispatcher: EventDispatcher
) -> None:
    await world.register()
    world.accept_mail()
    world.take_published()
    world.clock.advance(seconds=12.5)
    await world.activate(world.code())
    readings = Readings()
    assert await counted(world, dispatcher) == {"activated": 1}
    assert readings.moved("registration_activation_seconds_sum") == 12.5
    assert readings.moved("registration_activation_seconds_bucket", le="10.0") == 0
    assert readings.moved("registration_activation_seconds_bucket", le="15.0") == 1


async def test_an_activation_before_its_mail_was_accepted_is_counted_without_a_time(
    world: World, dispatcher: EventDispatcher
) -> None:
    await world.register()
    world.take_published()
    await world.activate(world.code())
    readings = Readings()
    assert await counted(world, dispatcher) == {"activated": 1}
    assert readings.moved("registration_activation_seconds_count") == 0


async def test_an_erasure_is_counted(world: World, dispatcher: EventDispatcher) -> None:
    await world.register_active()
    await world.erase()
    assert await counted(world, dispatcher) == {"erased": 1}
