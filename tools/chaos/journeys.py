"""What honest people do: register, show the code, look, leave; doubled now and then, and again after a lost answer."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tools.chaos.asking import Person, Service
from tools.chaos.history import is_success, is_unknown
from tools.chaos.provider import Provider
from tools.chaos.record import AnsweredBy, Call, Operation

PATIENCE_SECONDS = 60.0
"""So long somebody goes on trying one thing."""

MAIL_SECONDS = 75.0
POLL_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 5.0
"""Nobody who is asked to come back later waits for longer than this."""

JOINING_SECONDS = 1.1

STRANGERS, LEAVE, COME_BACK, LEAVE_TWICE = 0.2, 0.35, 0.4, 0.3
"""How many have a stranger at their address, how many leave, and of those: come back, and leave twice at once."""

LOOKS = 3

T = TypeVar("T")


class GivenUp(Exception):
    """A journey that came to no end; whatever it saw is in the record."""


@dataclass
class Walkers:
    """All that people need for their journeys."""

    service: Service
    provider: Provider
    chance: random.Random
    dawdlers: float
    """The share of those who show their code when its minute is about to end."""
    lingering_seconds: float
    """So long at most users wait before they look again whether they are users."""

    async def journey(self, person: Person) -> None:
        """Register in one of several ways, and go on from there."""
        ways: dict[Callable[[Person], Coroutine[Any, Any, Person]], float] = {
            self._register: 0.65,
            self._register_and_hang_up: 0.1,
            self._register_thrice_at_once: 0.13,
            self._register_with_two_passwords: 0.12,
        }
        person = await self._one_of(ways)(person)
        await self._look_around(person)
        await self._activate(person)
        await self._look_around(person)
        if self._happens(STRANGERS):
            await self._stranger(person)
        if self._happens(LEAVE):
            await self._leave(person)
            if self._happens(COME_BACK):
                await asyncio.sleep(
                    JOINING_SECONDS
                )  # else it may join a stranger's, and have no mail of its own
                again = replace(person, password=f"{person.password}, again")
                mails = len(self.provider.mails_to(person.email))
                await self.until_done(Operation.REGISTER, again)
                await self._activate(again, mails)
        else:
            await asyncio.sleep(self.chance.uniform(0.5, self.lingering_seconds))
            await self.until_done(Operation.LOOK, person)

    async def until_done(self, operation: Operation, person: Person, code: str | None = None) -> Call:
        """Ask until there is an answer that another request would not change. Raises GivenUp."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_SECONDS
        while True:
            call = await self.service.ask(operation, person, code)
            if not (is_unknown(call) or call.problem in {"overloaded", "rate-limited"}):
                return call
            if loop.time() > deadline:
                raise GivenUp
            wait = float(call.document.get("retry_after", 0)) if call.by is AnsweredBy.SERVICE else 0.0
            await asyncio.sleep(min(wait, LONGEST_WAIT_SECONDS) + self.chance.uniform(0.1, 0.6))

    async def code_for(self, person: Person, mails: int = 1) -> str:
        """The newest code, once the provider has accepted so many mails to the address. Raises GivenUp."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + MAIL_SECONDS
        while True:
            codes = self.provider.mails_to(person.email)
            if len(codes) >= mails and (code := codes[-1]):
                return code
            if loop.time() > deadline:
                raise GivenUp
            await asyncio.sleep(POLL_SECONDS)

    def wrong_code(self, person: Person) -> str:
        """A code that was never mailed to the address."""
        known = self.provider.mails_to(person.email)
        return next(code for code in iter(self.any_code, "") if code not in known)

    def any_code(self) -> str:
        return f"{self.chance.randrange(10_000):04}"

    async def _register(self, person: Person) -> Person:
        await self.until_done(Operation.REGISTER, person)
        return person

    async def _register_and_hang_up(self, person: Person) -> Person:
        await self.service.ask(Operation.REGISTER, person, hang_up_after=self._soon())
        return await self._register(person)

    async def _register_thrice_at_once(self, person: Person) -> Person:
        await self._at_once([self.service.ask(Operation.REGISTER, person) for _ in range(3)])
        return await self._register(person)

    async def _register_with_two_passwords(self, person: Person) -> Person:
        """At the same instant; return who has the registration."""
        rivals = [person, replace(person, password=f"{person.password}, rival")]
        await self._at_once([self.service.ask(Operation.REGISTER, each) for each in rivals])
        for each in rivals:
            if is_success(await self.until_done(Operation.LOOK, each)):
                return each
        return await self._register(person)

    async def _activate(self, person: Person, mails_before: int = 0) -> None:
        """Show the code that has come, in one of several ways, and a new one if it does not work any more."""
        code = await self.code_for(person, mails_before + 1)
        ways: dict[Callable[[Person, str], Coroutine[Any, Any, None]], float] = {
            self._try_nothing: 0.55 - self.dawdlers,
            self._try_a_wrong_code: 0.15,
            self._try_four_times_at_once: 0.2,
            self._try_and_hang_up: 0.1,
            self._wait_for_the_end_of_the_minute: self.dawdlers,
        }
        await self._one_of(ways)(person, code)
        for _ in range(3):
            call = await self.until_done(Operation.ACTIVATE, person, code)
            if is_success(call) or call.problem == "invalid-credentials":
                return
            mails = len(self.provider.mails_to(person.email))
            if is_success(await self.until_done(Operation.NEW_CODE, person)):
                code = await self.code_for(person, mails + 1)

    async def _try_nothing(self, person: Person, code: str) -> None:
        """Most people have no need to."""

    async def _try_a_wrong_code(self, person: Person, _: str) -> None:
        await self.service.ask(Operation.ACTIVATE, person, self.wrong_code(person))

    async def _try_four_times_at_once(self, person: Person, code: str) -> None:
        await self._at_once([self.service.ask(Operation.ACTIVATE, person, code) for _ in range(4)])

    async def _try_and_hang_up(self, person: Person, code: str) -> None:
        await self.service.ask(Operation.ACTIVATE, person, code, hang_up_after=self._soon())

    async def _wait_for_the_end_of_the_minute(self, _: Person, __: str) -> None:
        await asyncio.sleep(self.chance.uniform(57, 63))

    async def _stranger(self, owner: Person) -> None:
        """Somebody else registers the address, and guesses at a code that no mail has brought."""
        stranger = replace(owner, password=f"{owner.password}, a stranger's", role=f"{owner.role}, stranger")
        await self.until_done(Operation.REGISTER, stranger)
        for _ in range(3):
            await self.service.ask(Operation.ACTIVATE, stranger, self.any_code())
        await self.until_done(Operation.LOOK, stranger)
        await self.until_done(Operation.LOOK, owner)

    async def _leave(self, person: Person) -> None:
        """Be erased, twice at once now and then, and be unknown afterwards."""
        if self._happens(LEAVE_TWICE):
            await self._at_once([self.service.ask(Operation.ERASE, person) for _ in range(2)])
        await self.until_done(Operation.ERASE, person)
        await self._look_around(person)

    async def _look_around(self, person: Person) -> None:
        """At once after an answer, so that whoever has not heard of it yet is caught."""
        await self._at_once([self.service.ask(Operation.LOOK, person) for _ in range(LOOKS)])

    async def _at_once(self, asking: Sequence[Coroutine[Any, Any, Call]]) -> None:
        await asyncio.gather(*asking)

    def _one_of(self, ways: dict[T, float]) -> T:
        """One of them, by their shares."""
        return self.chance.choices(list(ways), list(ways.values()))[0]

    def _happens(self, share: float) -> bool:
        return self.chance.random() < share

    def _soon(self) -> float:
        return self.chance.uniform(0.005, 0.06)
