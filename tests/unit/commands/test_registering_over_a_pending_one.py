"""An owner and a stranger register one address, in every order: a code activates the password that it was mailed for.

All codes come to the owner's mailbox. Be it that the owner shows them, or a stranger who got them out of the owner:
after every order of deeds each is tried with the password of either.
"""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from registration.domain.errors import Refusal
from registration.domain.policy import WRONG_CODES_PER_CODE, Policy
from registration.domain.user import User
from tests.fake_guards import FakeRateLimiter
from tests.world import ANN, World

DEEDS_IN_A_ROW = 5
OWNERS, STRANGERS = "the owner's password", "the stranger's password"
HOME, AWAY, ANYWHERE = "192.0.2.1", "203.0.113.3", "198.51.100.2"
NO_HASTE = Policy(mail_cooldown=timedelta(), mails_per_hour=1000, mails_per_day=1000)

Order = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    password: str
    client: str

    async def register(self, world: World) -> None:
        world.clock.advance(seconds=1)
        await self.register_at_once(world)

    async def register_at_once(self, world: World) -> None:
        """So that it joins a registration of just now."""
        await world.register(password=self.password, client=self.client)

    async def ask_for_a_code(self, world: World) -> None:
        world.clock.advance(seconds=1)
        await world.new_code(password=self.password, client=self.client)

    async def show_the_newest_code(self, world: World) -> None:
        if world.mails():
            await world.activate(world.code(), password=self.password, client=self.client)

    async def guess_three_times(self, world: World) -> None:
        for _ in range(WRONG_CODES_PER_CODE):
            await world.guess_wrong(password=self.password, client=self.client)


OWNER, STRANGER = Person("owner", OWNERS, HOME), Person("stranger", STRANGERS, AWAY)

DEEDS: tuple[tuple[Person, Callable[[Person, World], Awaitable[None]]], ...] = (
    (OWNER, Person.register),
    (OWNER, Person.register_at_once),
    (OWNER, Person.ask_for_a_code),
    (OWNER, Person.show_the_newest_code),
    (STRANGER, Person.register),
    (STRANGER, Person.register_at_once),
    (STRANGER, Person.ask_for_a_code),
    (STRANGER, Person.guess_three_times),
)


def on_the_wire(world: World) -> None:
    """As it was born: a courier has it."""


def waiting(world: World) -> None:
    world.release_mail()


def accepted(world: World) -> None:
    world.accept_mail()


@dataclass(frozen=True, slots=True)
class MailedFor:
    registration: UUID
    password: str


@dataclass
class Orders:
    """All orders in which deeds change something, one after the other."""

    fate_of_mails: Callable[[World], None]
    world: World = field(
        default_factory=lambda: World(
            NO_HASTE, limiter=FakeRateLimiter(wrong_passwords_per_client=10**9, wrong_passwords=10**9)
        )
    )
    mailed: dict[UUID, MailedFor] = field(default_factory=dict)
    """What a code activates, by its mail: told by the deeds alone."""
    gone_through: int = 0
    ended_with: set[str] = field(default_factory=set)
    """The passwords that a code activated at the end of some order."""

    async def go_through(self, order: Order = ()) -> None:
        world = self.world
        here = world.moment()
        for person, deed in DEEDS:
            with contextlib.suppress(Refusal):
                await deed(person, world)
            if world.moment().tables != here.tables:  # else what follows is gone through from here
                longer = (*order, f"{person.name}: {deed.__name__}")
                self._note_mail(person, deed)
                await self._show_every_code(longer)
                self.gone_through += 1
                if len(longer) < DEEDS_IN_A_ROW:
                    await self.go_through(longer)
            world.go_back_to(here)

    def _note_mail(self, person: Person, deed: Callable[[Person, World], Awaitable[None]]) -> None:
        *earlier, newest = (mail.new.id for mail in self.world.mails())
        if newest not in self.mailed:
            registration = self.mailed[earlier[-1]].registration if deed is Person.ask_for_a_code else newest
            self.mailed[newest] = MailedFor(registration, person.password)
            self.fate_of_mails(self.world)

    async def _show_every_code(self, order: Order) -> None:
        """With either password, each code as if nothing else had been shown."""
        world = self.world
        here = world.moment()
        mails = [mail.new.id for mail in world.mails()]
        newest = self.mailed[mails[-1]]
        spent = sum(shown.newest_mail_id == mails[-1] for shown, _ in here.tables.wrong_codes[ANN].values())
        codes = [world.code(mail=index) for index in range(len(mails))]
        for code in set(codes):
            brought_by = [
                self.mailed[mail] for mail, its_code in zip(mails, codes, strict=True) if its_code == code
            ]
            for password in (OWNERS, STRANGERS):
                with contextlib.suppress(Refusal):
                    await world.activate(code, password=password, client=ANYWHERE)
                if world.database.tables.users != here.tables.users:
                    assert ANN not in here.tables.users, f"a user was replaced after {order}"
                    assert MailedFor(newest.registration, password) in brought_by, (
                        f"another password's, after {order}"
                    )
                    assert await self._shows_the_user() == {password}, order
                    self.ended_with.add(password)
                elif code == codes[-1] and password == newest.password and ANN not in here.tables.users:
                    assert spent >= WRONG_CODES_PER_CODE, f"the newest code did not work after {order}"
                world.go_back_to(here)

    async def _shows_the_user(self) -> set[str]:
        shows = set()
        for password in (OWNERS, STRANGERS):
            with contextlib.suppress(Refusal):
                if isinstance(await self.world.get(password=password), User):
                    shows.add(password)
        return shows


@pytest.mark.parametrize("fate_of_mails", [on_the_wire, waiting, accepted])
async def test_a_code_activates_the_password_that_it_was_mailed_for(
    fate_of_mails: Callable[[World], None],
) -> None:
    orders = Orders(fate_of_mails)

    await orders.go_through()

    assert orders.gone_through > 500
    assert orders.ended_with == {OWNERS, STRANGERS}
