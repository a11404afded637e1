import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from registration.courier.breaker import FAILURES_IN_A_ROW
from registration.courier.route import Route
from registration.domain.email_address import EmailAddress
from registration.domain.errors import Overloaded
from registration.domain.mail import MailKind
from registration.hashing.gate import HashingGate
from registration.ports import Message, Outcome, Verdict
from registration.process_state import read_process_state
from registration.stopping import Stopping

MESSAGE = Message(uuid4(), MailKind.ACTIVATION_CODE, EmailAddress("ann@example.org"), "", "", "", None)


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Provider:
    name = "postmark"
    recognises_repetitions = False

    def __init__(self) -> None:
        self.outcome = Outcome(Verdict.ACCEPTED, "")

    async def send(self, _: Message) -> Outcome:
        return self.outcome


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def gate(time: Time) -> AsyncIterator[HashingGate]:
    gate = HashingGate(threads=3, monotonic=time)
    yield gate
    gate.close()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def route(provider: Provider, time: Time) -> Route:
    return Route(provider, time)


async def test_a_provider_that_has_taken_mails_is_well(gate: HashingGate, route: Route) -> None:
    await route.send(MESSAGE)

    (state,) = read_process_state(gate, [route], Stopping()).providers

    assert (state.name, state.is_down, state.breaker_is_open) == ("postmark", False, False)
    assert (state.next_attempt_in, state.last_failure) == (timedelta(), None)


async def test_one_that_fails_is_down_with_its_last_failure(
    gate: HashingGate, route: Route, provider: Provider, time: Time
) -> None:
    for number in range(FAILURES_IN_A_ROW):
        provider.outcome = Outcome(Verdict.RETRY, f"50{number}")
        await route.send(MESSAGE)
    time.now += 0.25

    (state,) = read_process_state(gate, [route], Stopping()).providers

    assert (state.is_down, state.breaker_is_open) == (True, True)
    assert state.next_attempt_in == timedelta(seconds=0.75)
    assert state.last_failure is not None
    assert (state.last_failure.verdict, state.last_failure.reason) == (Verdict.RETRY, "509")
    assert state.last_failure.ago == timedelta(seconds=0.25)


@pytest.mark.parametrize(
    "verdict, is_the_providers",
    [(verdict, verdict not in {Verdict.ACCEPTED, Verdict.RECIPIENT_REJECTED}) for verdict in Verdict],
)
async def test_an_address_that_there_is_not_is_no_failure_of_the_provider(
    gate: HashingGate, route: Route, provider: Provider, verdict: Verdict, is_the_providers: bool
) -> None:
    provider.outcome = Outcome(verdict, "a reason")
    await route.send(MESSAGE)

    (state,) = read_process_state(gate, [route], Stopping()).providers

    assert (state.last_failure is not None) == is_the_providers


async def test_a_refused_hash_is_remembered_with_its_time(gate: HashingGate, time: Time) -> None:
    before = read_process_state(gate, [], Stopping())
    assert (before.hash_threads, before.since_hash_refused) == (3, None)

    gate._running, gate._seconds_a_hash = 3, 100.0
    gate._others.append(asyncio.get_running_loop().create_future())
    with pytest.raises(Overloaded):
        gate.admit(urgent=False)
    time.now += 7

    assert read_process_state(gate, [], Stopping()).since_hash_refused == timedelta(seconds=7)


def test_a_process_that_is_to_end_says_so(gate: HashingGate) -> None:
    stopping = Stopping()
    assert not read_process_state(gate, [], stopping).is_stopping
    stopping.begin()
    assert read_process_state(gate, [], stopping).is_stopping
