"""Whether anybody still waits for the answer that is being worked on."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_wait_until_gone: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar(
    "wait_until_gone", default=None
)


class CallerHungUp(Exception):
    """The caller has closed the connection: there is nobody to answer."""


@contextmanager
def caller_bound(wait_until_gone: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Let what runs inside know its caller, by a function that returns when the caller has hung up."""
    token = _wait_until_gone.set(wait_until_gone)
    try:
        yield
    finally:
        _wait_until_gone.reset(token)


@contextmanager
def nobody_waits() -> Iterator[None]:
    """For work that goes on after its caller has been answered."""
    token = _wait_until_gone.set(None)
    try:
        yield
    finally:
        _wait_until_gone.reset(token)


def current_caller() -> Callable[[], Awaitable[None]] | None:
    """What waits until the present caller has hung up; None where nobody is known to wait."""
    return _wait_until_gone.get()
