"""Carries each command, and each query, to its one handler. The types say which result belongs to which message."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Handle = Callable[[Any], Awaitable[Any]]
Decorator = Callable[["type[Message[Any]]", Handle], Handle]
"""Wraps a handler where it is bound, for what concerns every message: logs, metrics, traces."""


class Message(Generic[R_co]):
    """Something asked of the system, answered with an R."""

    __slots__ = ()

    @classmethod
    def handled_by(cls, handler: Callable[[Self], Awaitable[R_co]]) -> "Binding":
        """Pair the message with its handler; one with another message or result is a type error here."""
        return Binding(cls, handler)


class Command(Message[R_co]):
    """An intention to change something."""

    __slots__ = ()


class Query(Message[R_co]):
    """A question; answering it changes nothing."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Binding:
    message: type[Message[Any]]
    handler: Handle


class CommandBus:
    """Immutable, holds nothing of a request, safe for any number of messages at once."""

    def __init__(self, bindings: Iterable[Binding], decorators: Iterable[Decorator] = ()) -> None:
        """The first decorator is the outermost. Raises ValueError if a message is bound twice."""
        decorators = list(decorators)
        self._handlers: dict[type[Message[Any]], Handle] = {}
        for binding in bindings:
            if binding.message in self._handlers:
                raise ValueError(f"{binding.message.__name__} is bound twice")
            handler = binding.handler
            for decorate in reversed(decorators):
                handler = decorate(binding.message, handler)
            self._handlers[binding.message] = handler

    @property
    def bound(self) -> Collection[type[Message[Any]]]:
        """The messages that have a handler."""
        return self._handlers.keys()

    async def dispatch(self, message: Message[R]) -> R:
        """Return what the message's handler returns, raise what it raises; LookupError if it has none."""
        handler = self._handlers.get(type(message))
        if handler is None:
            raise LookupError(f"no handler is bound to {type(message).__name__}")
        result: R = await handler(message)
        return result
