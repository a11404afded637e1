"""Nobody can find out whether an address has an account: not by one answer, not by several, not by their time."""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.client import OTHER_PASSWORD, Client, Observation, Person, observe, somebody
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import LENIENT, Service
from tests.end_to_end.stage import Stage, past_the_join_window, registered, somebody_active

ATTACKERS_PASSWORD = "the attacker's choice of words"

VICTIMS = 14
REPETITIONS = 5


async def unknown(_: Service, __: Sandbox) -> Person:
    return somebody()


async def pending(service: Service, sandbox: Sandbox) -> Person:
    ann = somebody()
    await registered(service, sandbox, ann)
    await past_the_join_window(service, ann)
    return ann


async def active(service: Service, sandbox: Sandbox) -> Person:
    ann = await somebody_active(service, sandbox)
    await past_the_join_window(service, ann)
    return ann


async def taken(service: Service, sandbox: Sandbox) -> Person:
    """Active, and registered by somebody else since then."""
    ann = await active(service, sandbox)
    response = await service.client.register(ann.with_password(OTHER_PASSWORD))
    assert response.status_code == 202
    await sandbox.newest(ann.email, count=2)
    await past_the_join_window(service, ann.with_password(OTHER_PASSWORD))
    return ann


KINDS = {kind.__name__: kind for kind in (unknown, pending, active, taken)}


@dataclass
class Attacker:
    """Knows an address, chooses a password, and remembers every answer."""

    client: Client
    sandbox: Sandbox
    person: Person
    seen: list[Observation] = field(default_factory=list)

    async def register(self) -> None:
        self._note(await self.client.register(self.person))

    async def look(self) -> None:
        self._note(await self.client.look(self.person))

    async def look_once_the_mail_is_accepted(self) -> None:
        await self.client.accepted(self.person)
        await self.look()

    async def new_code(self) -> None:
        self._note(await self.client.new_code(self.person))

    async def guess(self) -> None:
        """Show a code that is none of those that the victim was ever mailed."""
        wrong = await self.sandbox.wrong_code(self.person.email)
        self._note(await self.client.activate(self.person, wrong))

    async def show_no_code(self) -> None:
        self._note(await self.client.activate(self.person, "12345"))

    async def erase(self) -> None:
        self._note(await self.client.erase(self.person))

    async def try_every_path(self) -> None:
        for act in (self.look, self.guess, self.show_no_code, self.new_code, self.erase):
            await act()

    def _note(self, response: httpx2.Response) -> None:
        self.seen.append(observe(response, self.person))


@pytest.fixture(scope="module")
async def victims(lenient: Service, stage: Stage) -> dict[str, list[Person]]:
    """Fresh ones of every kind, made all at once, because each takes seconds. A test takes those that it attacks."""
    made = await asyncio.gather(
        *(asyncio.gather(*(make(lenient, stage.sandbox) for _ in range(VICTIMS))) for make in KINDS.values())
    )
    return dict(zip(KINDS, made, strict=True))


@pytest.fixture
def attackers(lenient: Service, sandbox: Sandbox, victims: dict[str, list[Person]]) -> list[Attacker]:
    """One for each kind of address."""
    return attack(lenient, sandbox, victims)


def attack(service: Service, sandbox: Sandbox, victims: dict[str, list[Person]]) -> list[Attacker]:
    return [
        Attacker(service.client, sandbox, people.pop().with_password(ATTACKERS_PASSWORD))
        for people in victims.values()
    ]


def compare(attackers: list[Attacker]) -> None:
    expected, *others = [attacker.seen for attacker in attackers]
    assert expected
    for kind, seen in zip(list(KINDS)[1:], others, strict=True):
        assert seen == expected, f"{kind} can be told from unknown"
    for answers in zip(expected, *others, strict=True):
        waits = [answer.retry_after for answer in answers]
        assert max(waits) - min(waits) <= 1, "a wait can be told from another"


@pytest.mark.parametrize("act", ["look", "guess", "show_no_code", "new_code", "erase", "register"])
async def test_one_answer_tells_nothing(attackers: list[Attacker], act: str) -> None:
    for attacker in attackers:
        await getattr(attacker, act)()
    compare(attackers)


async def test_wrong_passwords_on_every_path_tell_nothing(attackers: list[Attacker]) -> None:
    for attacker in attackers:
        await attacker.try_every_path()
    compare(attackers)


async def test_a_registration_of_ones_own_and_all_that_follows_tells_nothing(
    attackers: list[Attacker],
) -> None:
    for attacker in attackers:
        await attacker.register()
        await attacker.look_once_the_mail_is_accepted()
        await attacker.guess()
        await attacker.show_no_code()
        await attacker.new_code()
        await attacker.look_once_the_mail_is_accepted()
        for _ in range(4):
            await attacker.guess()
        await attacker.new_code()
        await attacker.look_once_the_mail_is_accepted()
        await attacker.guess()
        await attacker.erase()
        await attacker.try_every_path()
        await attacker.register()
        await attacker.try_every_path()
        await attacker.try_every_path()
    compare(attackers)


async def test_being_refused_for_haste_tells_nothing(
    stage: Stage, sandbox: Sandbox, victims: dict[str, list[Person]]
) -> None:
    service = await stage.serve(**{**LENIENT, "mail_cooldown_seconds": 2})
    attackers = attack(service, sandbox, victims)

    async def hurry(attacker: Attacker) -> None:
        await attacker.register()
        await attacker.new_code()
        await past_the_join_window(service, attacker.person)
        await attacker.register()
        await attacker.new_code()

    await asyncio.gather(*map(hurry, attackers))
    compare(attackers)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts processor time as Linux tells it")
@pytest.mark.parametrize("act", ["look", "guess", "register"])
async def test_the_processor_time_of_an_answer_tells_nothing(
    costly: Service, sandbox: Sandbox, victims: dict[str, list[Person]], act: str
) -> None:
    """Processor time, because the time on a clock depends on what else this machine does.

    The stored hashes are of a lower cost than the service's own.
    """
    spent = []
    for kind in KINDS:
        people = victims[kind][-REPETITIONS:]
        before = processor_seconds(costly.pid)
        for person in people:
            attacker = Attacker(costly.client, sandbox, person.with_password(ATTACKERS_PASSWORD))
            await getattr(attacker, act)()
        spent.append(processor_seconds(costly.pid) - before)
        if act == "register":
            del victims[kind][-REPETITIONS:]
    assert max(spent) < 1.5 * min(spent), spent


def processor_seconds(pid: int) -> float:
    """User and system time of all the process's threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
