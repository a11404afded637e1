"""Nobody can find out whether an address has an account: every sequence of up to three requests, in every situation.

Each kind of address is tried on a service of its own, where everything happens at the same instants. So the answers
must be the same to the last byte, and so must the work on passwords and the number of mails.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager

import pytest
import structlog
from fastapi import FastAPI

from registration.adapters.keys import KeyRing
from registration.api.app import create_api
from registration.api.services import Services
from tests.fakes import Clock
from tests.unit.api.callers import Caller
from tests.unit.api.kinds import Kind, abandoned, active, never_seen, pending, taken, unknown
from tests.unit.api.situations import ACCEPTED, SITUATIONS, Situation
from tests.unit.api.whole_service import COST, Moment, Observation, WholeService, stop_time
from tests.unit.test_keys import KeysInMemory

LENGTH = 3

ACTS: Mapping[str, Callable[[Caller], Awaitable[Observation]]] = {
    "register": Caller.register,
    "register with another password": lambda stranger: stranger.with_password("another of mine").register(),
    "look": Caller.look,
    "guess": Caller.guess,
    "show no code": Caller.show_no_code,
    "ask for a code": Caller.new_code,
    "erase": Caller.erase,
}

Path = tuple[str, ...]
Shown = Mapping[Path, Observation]
"""What each sequence of acts comes to: the last one's observation."""

ShownOf = Callable[[Kind, Situation], Awaitable[Shown]]


@asynccontextmanager
async def no_services() -> AsyncIterator[Services]:
    """Never opened: each request brings those of its own kind of address."""
    yield  # type: ignore[misc]


@pytest.fixture(scope="module")
def api() -> FastAPI:
    return create_api(no_services)


@pytest.fixture(scope="module")
async def keys() -> KeyRing:
    keys = KeyRing(KeysInMemory(), ["k" * 32])
    await keys.load()
    return keys


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Tens of thousands of lines would tell nothing."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


@pytest.fixture
def shown_of(api: FastAPI, keys: KeyRing, monkeypatch: pytest.MonkeyPatch) -> ShownOf:
    clock = Clock()
    begin = clock.now
    bcrypt = stop_time(monkeypatch, clock)

    async def shown_of(kind: Kind, situation: Situation) -> Shown:
        clock.now = begin
        service = WholeService(api, keys, clock, bcrypt, situation.client_limits)
        service.restart(situation.former_cost)
        service.post.outcome = ACCEPTED
        await kind(
            Caller(service, "the owner's password", "192.0.2.1"),
            Caller(service, "another's password", "198.51.100.2"),
        )
        stranger = Caller(service, "the stranger's password", "203.0.113.3")
        stranger.wait(situation.since_last_mail)
        service.post.outcome = situation.mail
        before = await shown_before(stranger, situation)
        if situation.keys_are_renewed:
            service.renew_keys()
        service.restart(COST, remembers_proofs=situation.remembers_proofs)
        return {**before, **await shown_from_here(stranger, situation.wait)}

    return shown_of


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS)
async def test_tells_nothing(shown_of: ShownOf, situation: Situation) -> None:
    expected = await shown_of(unknown, situation)

    assert expected[situation.leads].outcome == situation.to
    assert "internal-error" not in {observation.outcome for observation in expected.values()}
    for kind in (pending, active, taken):
        compare(kind, await shown_of(kind, situation), expected)


@pytest.mark.parametrize(
    "situation", ["at once", "just past the cool-down", "hashes of a lower cost, and processes that forget"]
)
async def test_tells_nothing_of_rarer_kinds(shown_of: ShownOf, situation: str) -> None:
    expected = await shown_of(unknown, SITUATIONS[situation])

    for kind in (never_seen, abandoned):
        compare(kind, await shown_of(kind, SITUATIONS[situation]), expected)


def compare(kind: Kind, shown: Shown, expected: Shown) -> None:
    assert shown.keys() == expected.keys()
    for path in sorted(shown, key=len):
        told = f"{kind.__name__} is told from unknown by: {', then '.join(path)}"
        assert shown[path] == expected[path], told


async def shown_before(stranger: Caller, situation: Situation) -> Shown:
    made_it_so = len(stranger.service.seen)
    await situation.before(stranger)
    seen = stranger.service.seen[made_it_so:]
    return {
        (f"request {number} of what was before",): observation for number, observation in enumerate(seen, 1)
    }


async def shown_from_here(stranger: Caller, wait: float) -> Shown:
    """What all sequences come to. From equal moments they come to the same, so they are followed from one of them."""
    service = stranger.service
    followed: list[tuple[Moment, int, Shown]] = []

    async def follow(length: int) -> Shown:
        here = service.moment()
        for moment, its_length, shown in followed:
            if (moment, its_length) == (here, length):
                return shown
        shown = {}
        for name, act in ACTS.items():
            stranger.wait(wait)
            shown[name,] = await act(stranger)
            if length > 1:
                further = await follow(length - 1)
                shown.update({(name, *path): observation for path, observation in further.items()})
            service.go_back_to(here)
        followed.append((here, length, shown))
        return shown

    return await follow(LENGTH)
