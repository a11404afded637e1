import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import structlog
from structlog.testing import capture_logs
from structlog.typing import EventDict

from registration.domain.email_address import EmailAddress
from registration.domain.errors import AlreadyActive
from registration.messaging.command_bus import Command, CommandBus
from registration.observability.command_log import log_messages

ANN = EmailAddress("ann@example.org")
HOME = "192.0.2.1"
PASSWORD = "canary-5ecret"


@dataclass(frozen=True, slots=True)
class Greet(Command[None]):
    email: EmailAddress = ANN
    password: str = field(default=PASSWORD, repr=False)
    client: str = HOME


@dataclass(frozen=True, slots=True)
class Tick(Command[None]):
    pass


@pytest.fixture(autouse=True)
def level(request: pytest.FixtureRequest) -> Iterator[None]:
    root = logging.getLogger()
    before = root.level
    root.setLevel(getattr(request, "param", logging.INFO))
    yield
    root.setLevel(before)


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        yield lines


async def greet(_: Greet) -> None:
    structlog.get_logger("greet").info("greeted")
    await asyncio.create_task(say_something())


async def say_something() -> None:
    structlog.get_logger("greet").info("said")


async def tick(_: Tick) -> None: ...


async def refuse(_: Greet) -> None:
    raise AlreadyActive


def bus(greeter: object = greet) -> CommandBus:
    bindings = [Greet.handled_by(greeter), Tick.handled_by(tick)]  # type: ignore[arg-type]  # the tests' own handlers
    return CommandBus(bindings, [log_messages("digest of {}".format, "client {}".format)])


async def test_a_line_names_command_outcome_address_and_client_by_their_digests(
    lines: list[EventDict],
) -> None:
    await bus().dispatch(Greet())

    line = lines[-1]
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "message_handled",
        "log_level": "info",
        "message": "Greet",
        "outcome": "ok",
        "address": f"digest of {ANN}",
        "client": f"client {HOME}",
    }


async def test_a_refusal_is_told_by_its_code(lines: list[EventDict]) -> None:
    with pytest.raises(AlreadyActive):
        await bus(refuse).dispatch(Greet())

    assert lines[-1]["outcome"] == "already-active"


async def test_what_comes_of_a_command_is_told_of_the_same_address_and_nothing_after_it(
    lines: list[EventDict],
) -> None:
    await bus().dispatch(Greet())
    await bus().dispatch(Tick())

    said = {line["event"]: line.get("address") for line in lines[:2]}
    assert said == dict.fromkeys(["greeted", "said"], f"digest of {ANN}")
    assert {"address", "client"}.isdisjoint(lines[-1])


async def test_an_address_in_the_clear_is_no_field_at_info_level(lines: list[EventDict]) -> None:
    await bus().dispatch(Greet())

    assert not [line for line in lines if ANN.text in line.values()]


@pytest.mark.parametrize("level", [logging.DEBUG], indirect=True)
async def test_an_address_in_the_clear_is_a_field_of_its_own_at_debug_level(lines: list[EventDict]) -> None:
    await bus().dispatch(Greet())

    assert [line["email"] for line in lines] == [ANN.text] * 3
    assert lines[-1]["address"] == f"digest of {ANN}"
    assert PASSWORD not in str(lines)
