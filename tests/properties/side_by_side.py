"""The service and the model of the contract's rules, asked the same and compared."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from registration.commands.activate_user import ActivateUser
from registration.commands.erase_user import EraseUser
from registration.commands.register_user import RegisterUser
from registration.commands.send_new_code import SendNewCode
from registration.commands.unlock_address import UnlockAddress
from registration.domain.email_address import EmailAddress
from registration.domain.errors import IncorrectCode, Refusal, RefusedForNow
from registration.domain.events import (
    ActivationCodeIssued,
    DomainEvent,
    TakenAddressRegistered,
    UserActivated,
)
from registration.domain.mail import MailState
from registration.domain.user import User
from registration.queries.get_user import GetUser, PendingUser
from tests.properties import model
from tests.properties.model import Attempt, Code, Fate, Granted, Model, Refused
from tests.properties.provider import Letter
from tests.properties.service import Service

if TYPE_CHECKING:
    from uuid import UUID

OWNER, STRANGER = "correct horse battery", "staple of another"
OBSERVER = "203.0.113.1"
"""A client that never does anything, and so has its whole share of everything."""

GIVEN_UP = timedelta(minutes=9, seconds=45)
RECENTLY = timedelta(minutes=15)


class SideBySide:
    """Each command goes to both. `look` holds against the model all that somebody could see or try at that moment."""

    def __init__(self, service: Service, model_: Model) -> None:
        self.model = model_
        self._service = service
        self._mailed: dict[UUID, tuple[str, Code]] = {}
        self._first_letters: dict[UUID, Letter] = {}
        self._on_the_wire: list[tuple[Letter, Code, Attempt]] = []
        self._last_client: dict[str, str] = {}
        self._unseen: set[str] = set()
        """The addresses at which something may have changed since the last look."""

    async def register(self, address: str, password: str, client: str, fate: Fate | None) -> object:
        """`fate`: of the mail; None if the process dies before it does anything with it."""
        expected = self.model.judge_registering(address, client)
        code = self.model.register(address, password, client) if expected is Granted.MAILS else None
        message = RegisterUser(EmailAddress(address), password, client)
        answer, published = await self._ask(address, message, expected)
        await self._deliver(address, code, published, fate)
        return answer

    async def resend(self, address: str, password: str, client: str, fate: Fate | None) -> object:
        expected = self.model.judge_resending(address, password, client)
        code = self.model.resend(address, client) if expected is Granted.MAILS else None
        message = SendNewCode(EmailAddress(address), password, client)
        answer, published = await self._ask(address, message, expected)
        await self._deliver(address, code, published, fate)
        return answer

    async def activate(self, address: str, password: str, text: str, client: str) -> object:
        expected = self.model.judge_code(address, password, text, client)
        may_be_lost = self._service.loses_an_answer
        message = ActivateUser(EmailAddress(address), password, text, client)
        answer, published = await self._ask(address, message, expected)
        if expected is Granted.ACTIVATES:
            self.model.activate(address)
        elif isinstance(expected, Refused) and expected.attempts_left is not None:
            self.model.count_wrong_code(address, client)
        announced = sum(isinstance(event, UserActivated) for event in published)
        assert announced == (expected is Granted.ACTIVATES) or (announced == 0 and may_be_lost)
        return answer

    async def guess(self, address: str, password: str, client: str) -> object:
        """Show a code that is surely wrong."""
        return await self.activate(address, password, self._wrong_code(address), client)

    async def erase(self, address: str, password: str, client: str) -> None:
        expected = self.model.judge_password(address, password)
        await self._ask(
            address,
            EraseUser(EmailAddress(address), password, client),
            expected if isinstance(expected, Refused) else None,
        )
        if not isinstance(expected, Refused):
            self.model.erase(address, password)

    async def unlock(self, address: str) -> None:
        await self._ask(address, UnlockAddress(EmailAddress(address)), None)
        self.model.unlock(address)

    async def remember(self, address: str, clients: Sequence[str], count: int) -> None:
        """Let each of the clients have shown so many wrong codes, for a code of long ago."""
        for client in clients:
            await self._service.remember_wrong_codes(address, client, count)
            for _ in range(count):
                self.model.remember_wrong_code(address, client)
        self._unseen.add(address)

    async def set_clock(self, now: datetime) -> None:
        """Later where the contract leaves open when a code dies that nobody can have got: once its mail is given up."""
        for made_at in sorted(code.made_at for _, code in self._mailed.values() if code.is_surely_unsent):
            if made_at + GIVEN_UP <= now < made_at + model.LIFE_OF_A_MAIL:
                now = made_at + model.LIFE_OF_A_MAIL
        self.model.now = now
        await self._service.set_clock(now)
        self._unseen.update(address for address, known in self.model.addresses.items() if known.codes)

    async def wait(self, duration: timedelta) -> None:
        await self.set_clock(self.model.now + duration)

    async def sweep(self, fate: Fate | None) -> None:
        """`fate`: of all mails that are due; None if the process dies as soon as it holds them."""
        if fate is None:
            for mail_id in await self._service.claim_and_die():
                self.model.lose_sight(self._mailed[mail_id][1])
        else:
            self._receive(await self._service.sweep(fate))

    @property
    def is_mail_on_the_wire(self) -> bool:
        return bool(self._on_the_wire)

    async def answer_the_oldest(self, fate: Fate) -> None:
        """Let the provider say what became of the mail that it has had for longest.

        No process waits for longer than a mail lives. A refusal is not waited for where another code has come, or the
        mail been given up: who hears of it then has nothing to write it to.
        """
        letter, code, attempt = self._on_the_wire.pop(0)
        address, _ = self._mailed[letter.message.id]
        age = self.model.now - code.made_at
        is_open = age < GIVEN_UP and self.model.is_wanted(address, code)
        if age >= model.LIFE_OF_A_MAIL or not (is_open or fate is Fate.ACCEPTED):
            fate = Fate.UNKNOWN
        self.model.answer(code, attempt, fate)
        await self._service.answer(letter, fate)
        self._unseen.add(address)

    async def renew_keys(self, *, restart: bool) -> None:
        await self._service.renew_keys(restart=restart)
        self._unseen.update(self.model.addresses)

    @property
    def loses_an_answer(self) -> bool:
        """Whether the next commit will be made without anybody hearing of it."""
        return self._service.loses_an_answer

    @loses_an_answer.setter
    def loses_an_answer(self, value: bool) -> None:
        self._service.loses_an_answer = value

    def holder_of(self, address: str) -> str:
        """The password of whoever registered the address last, or has it."""
        known = self.model.addresses[address]
        holder = known.registration or known.user
        return holder.password if holder else OWNER

    async def look(self) -> None:
        """Hold against the model what everybody sees, and whatever could be asked now, where something has happened."""
        while self._unseen:
            address = self._unseen.pop()
            await self._try_everything(address, self._last_client.get(address, OBSERVER))
            for password in (OWNER, STRANGER):
                await self._look(address, password, OBSERVER)

    async def _try_everything(self, address: str, client: str) -> None:
        email, password = EmailAddress(address), self.holder_of(address)
        await self._try(
            address, RegisterUser(email, STRANGER, client), self.model.judge_registering(address, client)
        )
        await self._try(
            address,
            SendNewCode(email, password, client),
            self.model.judge_resending(address, password, client),
        )
        codes = self.model.addresses[address].codes[-4:]
        texts = [code.text for code in codes if self.model.now - code.made_at < RECENTLY]
        for text, by in [*((text, OBSERVER) for text in texts), (self._wrong_code(address), client)]:
            await self._try(
                address,
                ActivateUser(email, password, text, by),
                self.model.judge_code(address, password, text, by),
            )

    async def _try(
        self,
        address: str,
        message: RegisterUser | SendNewCode | ActivateUser,
        expected: Refused | model.User | Granted,
    ) -> None:
        self._compare(address, await self._service.would_answer(message), expected)

    async def _look(self, address: str, password: str, client: str) -> None:
        expected = self.model.judge_password(address, password)
        answer, _ = await self._service.ask(GetUser(EmailAddress(address), password, client))
        if isinstance(expected, model.Registration):
            self._compare_pending(address, answer, expected, client)
        else:
            self._compare(address, answer, expected)

    async def _ask(
        self,
        address: str,
        message: RegisterUser | SendNewCode | ActivateUser | EraseUser | UnlockAddress,
        expected: Refused | model.User | Granted | None,
    ) -> tuple[object, list[DomainEvent]]:
        answer, published = await self._service.ask(message)
        self._compare(address, answer, expected)
        if not isinstance(message, UnlockAddress):
            self._last_client[address] = message.client
        self._unseen.add(address)
        return answer, published

    async def _deliver(
        self, address: str, code: Code | None, published: list[DomainEvent], fate: Fate | None
    ) -> None:
        issued = [
            event for event in published if isinstance(event, ActivationCodeIssued | TakenAddressRegistered)
        ]
        if code is None:
            assert issued == [], "a mail was queued that nobody asked for"
            return
        [event] = issued
        assert isinstance(event, TakenAddressRegistered) == code.is_notice
        code.text = await self._service.code_of(address, event.mail_id)
        self._mailed[event.mail_id] = address, code
        if fate is None:
            self.model.lose_sight(code)
            return
        letters = await self._service.deliver(event.mail_id, fate)
        assert [letter.message.id for letter in letters] == [event.mail_id], "a fresh mail was not sent"
        self._receive(letters)

    def _receive(self, letters: list[Letter]) -> None:
        for letter in letters:
            message = letter.message
            address, code = self._mailed[message.id]
            assert message.to == EmailAddress(address)
            assert (code.text in message.text.splitlines()) != code.is_notice
            first = self._first_letters.setdefault(message.id, letter)
            assert message == first.message, "a mail is not as it was before"
            attempt = self.model.send(address, code)
            if letter.fate is Fate.ON_THE_WIRE:
                self._on_the_wire.append((letter, code, attempt))
            else:
                self.model.answer(code, attempt, letter.fate)
            self._unseen.add(address)

    def _compare(self, address: str, answer: object, expected: Refused | model.User | Granted | None) -> None:
        if isinstance(expected, Refused):
            self._compare_refusals(answer, expected)
            return
        assert not isinstance(answer, Refusal), f"{answer!r} in place of {expected}"
        registration = self.model.addresses[address].registration
        if expected is Granted.ACTIVATES:
            assert registration is not None
            expected = model.User(registration.password, registration.registered_at, self.model.now)
        if isinstance(expected, model.User):
            assert isinstance(answer, User), f"{answer!r} in place of {expected}"
            assert answer.email == EmailAddress(address)
            assert (answer.registered_at, answer.activated_at) == (
                expected.registered_at,
                expected.activated_at,
            )

    def _compare_refusals(self, answer: object, expected: Refused) -> None:
        assert isinstance(answer, Refusal), f"{answer!r} in place of {expected}"
        assert answer.code == expected.code, f"{answer!r} in place of {expected}"
        if isinstance(answer, IncorrectCode):
            assert answer.attempts_left == expected.attempts_left
        if isinstance(answer, RefusedForNow):
            if expected.until is None:
                assert answer.retry_after >= timedelta(seconds=1)
            else:
                assert self.model.now + answer.retry_after == expected.until

    def _compare_pending(
        self, address: str, answer: object, expected: model.Registration, client: str
    ) -> None:
        assert isinstance(answer, PendingUser), f"{answer!r} in place of {expected}"
        assert (answer.email, answer.registered_at) == (EmailAddress(address), expected.registered_at)
        code, shown = expected.codes[-1], answer.activation
        assert shown.mail in self._possible_states(address, code)
        if not code.is_void:
            assert shown.code_expires_at == (code.accepted_at and code.dies_at)
        new_code_at = self.model.new_code_at(address, client)
        assert shown.new_code_at == new_code_at or (
            new_code_at is None and shown.new_code_at > self.model.now
        )

    def _possible_states(self, address: str, code: Code) -> set[MailState]:
        if code.is_void:
            return set(MailState)
        if code.accepted_at is not None:
            return {MailState.ACCEPTED}
        if code.is_refused:
            return {MailState.FAILED}
        if self.model.is_wanted(address, code) and self.model.now - code.made_at < GIVEN_UP:
            return {MailState.QUEUED}
        return {MailState.QUEUED, MailState.FAILED}

    def _wrong_code(self, address: str) -> str:
        right = {code.text for code in self.model.addresses[address].codes}
        return next(code for code in map("{:04}".format, range(10_000)) if code not in right)
