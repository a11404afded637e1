"""Checked by mypy, never run: what the bus promises about types, and what it must reject."""

from dataclasses import dataclass
from typing import assert_type

from registration.messaging.command_bus import Command, CommandBus, Query


@dataclass(frozen=True, slots=True)
class MakeUser(Command[int]):
    name: str


@dataclass(frozen=True, slots=True)
class Forget(Command[None]):
    pass


@dataclass(frozen=True, slots=True)
class Ask(Query[str]):
    pass


async def make_user(command: MakeUser) -> int:
    return len(command.name)


async def make_user_wrongly(command: MakeUser) -> str:
    return command.name


async def make_user_perhaps(command: MakeUser) -> int | None:
    return None if command.name else 1


class ForgetHandler:
    async def __call__(self, command: Forget) -> None: ...


async def good(bus: CommandBus) -> None:
    MakeUser.handled_by(make_user)
    Forget.handled_by(ForgetHandler())
    assert_type(await bus.dispatch(MakeUser("ann")), int)
    assert_type(await bus.dispatch(Ask()), str)


async def bad(bus: CommandBus) -> None:
    MakeUser.handled_by(make_user_wrongly)  # type: ignore[arg-type]
    MakeUser.handled_by(make_user_perhaps)  # type: ignore[arg-type]
    Forget.handled_by(make_user)  # type: ignore[arg-type]
    MakeUser.handled_by(ForgetHandler())  # type: ignore[arg-type]
    name: str = await bus.dispatch(MakeUser("ann"))  # type: ignore[arg-type]
    await bus.dispatch("MakeUser")  # type: ignore[arg-type]
    del name
