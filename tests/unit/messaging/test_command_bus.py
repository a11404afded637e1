from dataclasses import dataclass

import pytest

from registration.messaging.command_bus import Command, CommandBus, Handle, Message


@dataclass(frozen=True, slots=True)
class Double(Command[int]):
    number: int


@dataclass(frozen=True, slots=True)
class Unknown(Command[None]):
    pass


async def double(command: Double) -> int:
    return command.number * 2


async def test_dispatch_returns_what_the_handler_returns() -> None:
    assert await CommandBus([Double.handled_by(double)]).dispatch(Double(21)) == 42


async def test_dispatch_raises_what_the_handler_raises() -> None:
    async def fail(_: Double) -> int:
        raise KeyError

    with pytest.raises(KeyError):
        await CommandBus([Double.handled_by(fail)]).dispatch(Double(1))


def test_a_second_binding_is_refused_when_the_bus_is_made() -> None:
    with pytest.raises(ValueError, match="Double is bound twice"):
        CommandBus([Double.handled_by(double), Double.handled_by(double)])


async def test_an_unbound_message_is_named() -> None:
    with pytest.raises(LookupError, match="Unknown"):
        await CommandBus([]).dispatch(Unknown())


async def test_the_first_decorator_is_the_outermost() -> None:
    calls: list[str] = []

    def named(name: str) -> "object":
        def decorate(message: type[Message[object]], handle: Handle) -> Handle:
            async def decorated(message_: Message[object]) -> object:
                calls.append(f"{name}:{message.__name__}")
                return await handle(message_)

            return decorated

        return decorate

    decorators = [named("outer"), named("inner")]
    bus = CommandBus([Double.handled_by(double)], decorators)  # type: ignore[arg-type]
    assert await bus.dispatch(Double(2)) == 4
    assert calls == ["outer:Double", "inner:Double"]
