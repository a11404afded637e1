import pytest

from registration.caller import CallerHungUp
from registration.domain.errors import ExpiredCode
from registration.messaging.command_bus import Command, CommandBus
from registration.observability.message_metrics import measure_messages
from tests.readings import Readings, reading


class Ask(Command[str]):
    """A command of the tests'."""


def bus_that(outcome: BaseException | str) -> CommandBus:
    async def handle(_: Ask) -> str:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return CommandBus([Ask.handled_by(handle)], [measure_messages])


@pytest.mark.parametrize(
    "error, outcome",
    [
        (ExpiredCode(), "expired-code"),
        (CallerHungUp(), "caller-hung-up"),
        (KeyError("secret"), "internal-error"),
    ],
)
async def test_a_message_that_fails_is_counted_by_how_and_still_fails(error: Exception, outcome: str) -> None:
    bus, readings = bus_that(error), Readings()

    with pytest.raises(type(error)):
        await bus.dispatch(Ask())

    assert readings.moved("registration_messages_total", message="Ask", outcome=outcome) == 1
    assert readings.moved("registration_messages_total", message="Ask", outcome="ok") == 0
    assert readings.moved("registration_message_seconds_count", message="Ask") == 1


async def test_a_message_that_succeeds_is_counted_and_answered() -> None:
    bus, readings = bus_that("answer"), Readings()

    assert await bus.dispatch(Ask()) == "answer"

    assert readings.moved("registration_messages_total", message="Ask", outcome="ok") == 1
    assert readings.moved("registration_message_seconds_count", message="Ask") == 1


async def test_success_and_faults_of_ours_are_there_at_nought_before_the_first() -> None:
    class NeverAsked(Command[str]):
        pass

    async def handle(_: NeverAsked) -> str:
        raise AssertionError

    readings = Readings()
    CommandBus([NeverAsked.handled_by(handle)], [measure_messages])

    outcomes = ("ok", "internal-error")
    assert [reading("registration_messages_total", message="NeverAsked", outcome=o) for o in outcomes] == [
        0,
        0,
    ]
    assert len([series for series in readings.new() if "messages_total" in series]) == len(outcomes)
