"""What is read when somebody asks for metrics."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from threading import Event

import pytest

from registration.adapters.mysql.database import open_database
from registration.adapters.mysql.server import Server
from registration.courier.route import Route
from registration.gauges import show_gauges
from registration.hashing.gate import HashingGate
from registration.observability.metrics import show_backlog
from registration.ports import Backlog, Message, Outcome, Verdict
from tests.readings import Readings, reading
from tests.unit.mail.examples import MESSAGE

NOWHERE = Server("127.0.0.1", 1, "nobody", "", "none")


class Refusing:
    """A MailApi that wants nothing of us."""

    name = "refusing"
    recognises_repetitions = False

    async def send(self, message: Message) -> Outcome:
        return Outcome(Verdict.PROVIDER_REFUSED, "status 401")


@pytest.fixture
async def gate() -> AsyncIterator[HashingGate]:
    gate = HashingGate(threads=1)
    yield gate
    gate.close()


@pytest.fixture
async def route(gate: HashingGate) -> AsyncIterator[Route]:
    route = Route(Refusing())
    async with open_database(NOWHERE, connections=3) as database:
        show_gauges(gate, database, [route])
        yield route


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - it is told by nothing else
            await asyncio.sleep(0)


@pytest.mark.usefixtures("route")
async def test_hashes_that_run_and_wait(gate: HashingGate) -> None:
    may_end = Event()
    calls = [
        asyncio.create_task(gate.run(lambda: may_end.wait(5), urgent=urgent))
        for urgent in (False, False, True, True, True)
    ]
    await until(lambda: gate.waiting(urgent=True) == 3)

    assert reading("registration_hashes_running") == 1
    assert reading("registration_hashes_waiting", queue="others") == 1
    assert reading("registration_hashes_waiting", queue="urgent") == 3

    may_end.set()
    await asyncio.gather(*calls)
    await until(lambda: gate.running == 0)
    assert reading("registration_hashes_running") == 0
    assert reading("registration_hashes_waiting", queue="urgent") == 0


@pytest.mark.usefixtures("route")
async def test_connections_that_are_open_and_may_be() -> None:
    assert reading("registration_database_connections_limit") == 3
    assert reading("registration_database_connections", state="used") == 0
    assert reading("registration_database_connections", state="idle") == 0
    assert reading("registration_database_waiting") == 0


async def test_a_breaker_that_opens(route: Route) -> None:
    assert reading("registration_mail_breaker_open", provider="refusing") == 0
    await route.send(MESSAGE)
    assert reading("registration_mail_breaker_open", provider="refusing") == 1


def test_a_backlog_is_shown_while_it_is_known_and_gone_when_it_is_not() -> None:
    show_backlog(Backlog(7, timedelta(seconds=90)))
    assert reading("registration_database_up") == 1
    assert reading("registration_outbox_mails") == 7
    assert reading("registration_outbox_oldest_seconds") == 90

    show_backlog(None)
    assert reading("registration_database_up") == 0
    readings = Readings()
    show_backlog(Backlog(0, timedelta()))
    assert readings.new() == {"registration_outbox_mails{}", "registration_outbox_oldest_seconds{}"}
