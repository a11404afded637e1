"""What the command bus adds to a command. The handler answers at once, so that no event loop is needed."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from registration.messaging.command_bus import Command, CommandBus
from registration.observability.message_metrics import measure_messages
from registration.observability.message_traces import trace_messages


@dataclass(frozen=True, slots=True)
class Add(Command[int]):
    number: int


async def add(command: Add) -> int:
    return command.number + 1


def _result(coroutine: Coroutine[Any, Any, int]) -> int:
    """Of one that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: int = end.value
        return result
    raise AssertionError("it has waited for something")


def test_bus_dispatches(benchmark: BenchmarkFixture) -> None:
    bus = CommandBus([Add.handled_by(add)])

    assert benchmark(lambda: _result(bus.dispatch(Add(1)))) == 2


def test_bus_dispatches_measured_and_traced(benchmark: BenchmarkFixture) -> None:
    bus = CommandBus([Add.handled_by(add)], [trace_messages, measure_messages])

    assert benchmark(lambda: _result(bus.dispatch(Add(1)))) == 2
