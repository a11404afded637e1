"""The service but for HTTP and bcrypt, standing still: time passes and mails are sent when somebody says so."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from registration.courier.courier import Courier
from registration.courier.rendering import Renderer
from registration.courier.route import Route
from registration.domain.activation_code import derive_code
from registration.domain.email_address import EmailAddress
from registration.domain.errors import Refusal
from registration.domain.events import DomainEvent, OutdatedHashMatched
from registration.domain.policy import Policy
from registration.event_handlers.renew_password_hash import RenewPasswordHash
from registration.messaging.command_bus import CommandBus, Message
from registration.ports import PublishEvent, UnitOfWork, UnitsOfWork
from registration.wiring import Ports, bind_messages
from tests.fake_guards import FakeHasher, FakeRateLimiter
from tests.properties.model import Fate
from tests.properties.persistence import Persistence
from tests.properties.provider import Letter, Provider

R = TypeVar("R")

RENDERER = Renderer("Example")
ANYBODY = "198.51.100.1"


class UndoneError(Exception):
    """What a unit of work has done is not to be kept."""

    def __init__(self, result: object) -> None:
        super().__init__()
        self.result = result


class Service:
    """Commands and queries, the courier, and the passing of time."""

    def __init__(self, persistence: Persistence, now: datetime) -> None:
        self._persistence = persistence
        self._now = now
        self._provider = Provider()
        self._hasher = FakeHasher()
        self.loses_an_answer = False
        """Whether the next commit will be made without anybody hearing of it."""
        self._bus = self._bind(self._run_unit_of_work, persistence.published.append)
        self._dry_bus = self._bind(self._undo_unit_of_work, lambda _: None)
        self._renew_hash = RenewPasswordHash(self._run_unit_of_work, self._hasher)

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def set_clock(self, now: datetime) -> None:
        self._now = now
        await self._persistence.set_clock(now)

    async def would_answer(self, message: Message[R]) -> R | Refusal:
        """What the message would be answered with. It changes nothing."""
        try:
            return await self._dry_bus.dispatch(message)
        except Refusal as refusal:
            return refusal

    async def ask(self, message: Message[R]) -> tuple[R | Refusal, list[DomainEvent]]:
        """What the message is answered with, be it a refusal; and the events of it that have no handler yet."""
        answer: R | Refusal
        try:
            answer = await self._bus.dispatch(message)
        except Refusal as refusal:
            answer = refusal
        events = self._persistence.published.copy()
        self._persistence.published.clear()
        for event in events:
            if isinstance(event, OutdatedHashMatched):
                await self._renew_hash(event)
        return answer, events

    async def remember_wrong_codes(self, address: str, client: str, count: int) -> None:
        """Have so many been shown now, for a code that nobody knows any more."""
        newest = uuid4()

        async def add(work: UnitOfWork) -> None:
            for _ in range(count):
                await work.wrong_codes.add(uuid4(), newest)

        await self._persistence.units_of_work(EmailAddress(address), client, add)

    async def code_of(self, address: str, mail_id: UUID) -> str:
        account = await self._persistence.read_account(EmailAddress(address), ANYBODY)
        assert account.now == self._now
        [mail] = (mail for mail in account.mails if mail.id == mail_id)
        key = await self._persistence.code_keys.code_key(mail.code_key_id)
        return derive_code(key, mail.id, mail.credential_id, Policy().code_digits)

    async def deliver(self, mail_id: UUID, fate: Fate) -> list[Letter]:
        """Send a mail that was just queued; return what the provider was given."""
        self._provider.fate = fate
        delivery = asyncio.create_task(self._courier().deliver(mail_id))
        await asyncio.wait([delivery, self._provider.next_to_wait()], return_when=asyncio.FIRST_COMPLETED)
        delivery.cancel()  # an event's handler has a time limit; the attempt goes on
        await self._settle()
        return self._provider.take_letters()

    async def sweep(self, fate: Fate) -> list[Letter]:
        """Send what is due; return what the provider was given."""
        self._provider.fate = fate
        await self._courier().sweep()
        await self._settle()
        return self._provider.take_letters()

    async def claim_and_die(self) -> list[UUID]:
        """Hold what is due, in a process that ends before it does anything; return which mails those were."""
        return [mail.id for mail in await self._persistence.outbox.claim_due(100)]

    async def answer(self, letter: Letter, fate: Fate) -> None:
        """Let the provider say at last what it has done with what it was given."""
        self._provider.answer(letter, fate)
        await self._settle()

    async def renew_keys(self, *, restart: bool) -> None:
        """Make new data keys; `restart`: and have the service use them, with costlier hashes too."""
        await self._persistence.renew_keys()
        if restart:
            await self._persistence.load_keys()
            self._hasher.cost += 1

    async def stop(self) -> None:
        """Cut off who still waits for the provider."""
        self._provider.hang_up()
        await self._settle()

    def _bind(self, units_of_work: UnitsOfWork, publish: PublishEvent) -> CommandBus:
        """Without limits on requests and passwords, which are not among the rules tried here."""
        ports = Ports(
            units_of_work=units_of_work,
            read_account=self._persistence.read_account,
            hasher=self._hasher,
            limiter=FakeRateLimiter(wrong_passwords_per_client=10**9, wrong_passwords=10**9),
            code_keys=self._persistence.code_keys,
            publish=publish,
            new_id=uuid4,
            is_common_password=lambda _: False,
        )
        return bind_messages(ports, Policy())

    def _courier(self) -> Courier:
        """One of many processes, each of which has just started and has no opinion of the provider yet."""
        return Courier(
            self._persistence.outbox,
            [Route(self._provider, self.monotonic)],
            RENDERER,
            self._persistence.code_keys,
            Policy(),
            str.upper,
        )

    async def _settle(self) -> None:
        """Until everybody has done what they can do without the provider's word."""
        while busy := asyncio.all_tasks() - self._provider.waiting - {asyncio.current_task()}:
            await asyncio.wait([*busy, self._provider.next_to_wait()], return_when=asyncio.FIRST_COMPLETED)

    async def _run_unit_of_work(
        self, email: EmailAddress, client: str, step: Callable[[UnitOfWork], Awaitable[R]]
    ) -> R:
        """A UnitsOfWork that runs again, as it must, when a commit's answer was lost: nothing is published then."""
        if self.loses_an_answer:
            published = len(self._persistence.published)
            await self._persistence.units_of_work(email, client, step)
            del self._persistence.published[published:]
            self.loses_an_answer = False
        return await self._persistence.units_of_work(email, client, step)

    async def _undo_unit_of_work(
        self, email: EmailAddress, client: str, step: Callable[[UnitOfWork], Awaitable[R]]
    ) -> Any:
        """A UnitsOfWork that keeps nothing."""

        async def step_and_undo(work: UnitOfWork) -> None:
            raise UndoneError(await step(work))

        try:
            await self._persistence.units_of_work(email, client, step_and_undo)
        except UndoneError as undone:
            return undone.result
