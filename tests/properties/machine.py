"""Hypothesis tries the service with commands, mails and waits in any order, beside a model of the contract's rules.

.venv/bin/python -m pytest tests/properties                                the same short search each time
.venv/bin/python -m pytest tests/properties --hypothesis-profile=search    a long one, another each time
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest import mock

import structlog
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from registration.courier import courier
from registration.domain.errors import ExpiredCode, IncorrectCode, RefusedForNow, TooManyAttempts
from tests.properties import model
from tests.properties.model import Fate, Model
from tests.properties.persistence import Persistence
from tests.properties.service import Service
from tests.properties.side_by_side import OWNER, STRANGER, SideBySide

T = TypeVar("T")

START, END = datetime(2026, 11, 1, 12, 0, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
"""The clock of a database's session ends in 2038."""

INSTANT, SECOND = timedelta(microseconds=1), timedelta(seconds=1)
ANN, ANN_TAGGED, BOB = "ann@example.org", "ann+shop@example.org", "bob@example.org"
CLIENTS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
WAITS = (
    *(timedelta(seconds=seconds) for seconds in (0, 0.5, 1, 5, 15, 20, 25, 26, 30, 30, 40, 45, 60)),
    *(timedelta(minutes=minutes) for minutes in (5, 9.5, 9.8, 60)),
    *(timedelta(days=days) for days in (1, 365)),
)

addresses = st.sampled_from([ANN, ANN, ANN, ANN_TAGGED, BOB])
clients = st.sampled_from(CLIENTS)
people = st.sampled_from([None, None, OWNER, STRANGER])
"""By password; None is whoever registered the address last, or has it."""

answers = st.sampled_from([Fate.ACCEPTED, Fate.ACCEPTED, Fate.NOT_TAKEN, Fate.UNKNOWN, Fate.REFUSED])
fates = st.sampled_from(
    [Fate.ACCEPTED] * 3 + [Fate.ON_THE_WIRE] * 2 + [Fate.NOT_TAKEN, Fate.UNKNOWN, Fate.REFUSED, None]
)
"""None: the process dies before it does anything."""


@dataclass(frozen=True)
class Turn:
    """A mail that somebody causes, and what happens around it."""

    swept_before: list[Fate | None]
    """Just before; at most once."""
    registers: str | None
    """By password; None: asks for a new code."""
    fate: Fate | None
    answered_then: Fate
    """What the provider says of an earlier one, if it still owes an answer."""
    wrong_codes: int


turns = st.builds(
    Turn,
    swept_before=st.lists(fates, max_size=1),
    registers=st.none() | st.sampled_from([OWNER, STRANGER]),
    fate=fates,
    answered_then=answers,
    wrong_codes=st.integers(0, 3),
)


class RegistrationMachine(RuleBasedStateMachine):
    """Owns the loop that the service is on, for a connection cannot be used on another."""

    def open_persistence(self) -> contextlib.AbstractAsyncContextManager[Persistence]:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        with contextlib.ExitStack() as stack:
            self._logged = stack.enter_context(structlog.testing.capture_logs())
            self._runner = stack.enter_context(asyncio.Runner(loop_factory=asyncio.new_event_loop))
            resources = contextlib.AsyncExitStack()
            stack.callback(lambda: self._run(resources.aclose()))
            service = Service(self._run(resources.enter_async_context(self.open_persistence())), START)
            stack.callback(lambda: self._run(service.stop()))
            clock = SimpleNamespace(monotonic=service.monotonic)
            stack.enter_context(mock.patch.object(courier, "time", clock))
            self._both = SideBySide(service, Model(START, [ANN, ANN_TAGGED, BOB]))
            self._run(self._both.set_clock(START))
            self._resources = stack.pop_all()

    def teardown(self) -> None:
        self._resources.close()

    @property
    def _model(self) -> Model:
        return self._both.model

    @initialize(
        has_owner=st.booleans(),
        days=st.sampled_from([0, 0, 0, 9, 10]),
        later=st.sampled_from([model.DAY, model.DAY, model.YEAR]),
        has_stranger=st.booleans(),
        today=st.sampled_from([0, 2, 4, 5, 5]),
        is_erased=st.booleans(),
    )
    def what_was_before(
        self, has_owner: bool, days: int, later: timedelta, has_stranger: bool, today: int, is_erased: bool
    ) -> None:
        """Ann a user or not; for some days ten wrong codes each; long after a stranger and more wrong codes; erasure."""
        if has_owner:
            self.register_and_activate(ANN, OWNER, CLIENTS[0])
        for _ in range(days):
            self._run(self._both.remember(ANN, ["early", "late"], 5))
            self._wait(model.DAY)
        self._wait(later)
        if has_stranger:
            self.register(ANN, STRANGER, CLIENTS[0], Fate.ACCEPTED)
        if not self._model.addresses[ANN].is_locked_for_good:
            self._run(self._both.remember(ANN, ["early", "late"], today))
        if is_erased:
            self.erase(ANN, None, CLIENTS[0])

    @rule(address=addresses, person=people, client=clients, fate=fates)
    def register(self, address: str, person: str | None, client: str, fate: Fate | None) -> None:
        self._run(self._both.register(address, self._password(address, person), client, fate))

    @rule(address=addresses, person=people, client=clients)
    def register_and_activate(self, address: str, person: str | None, client: str) -> None:
        self.register(address, person, client, Fate.ACCEPTED)
        self.show_a_right_code(address, person, client, age=0, answer_is_lost=False)

    @rule(address=addresses, person=people, client=clients, fate=fates)
    def ask_for_a_new_code(self, address: str, person: str | None, client: str, fate: Fate | None) -> None:
        if not self._is_orphan(address, self._password(address, person)):
            self._run(self._both.resend(address, self._password(address, person), client, fate))

    @rule(
        address=addresses,
        turns=st.lists(turns, min_size=1, max_size=4) | st.lists(turns, min_size=11, max_size=11),
        from_clients=st.integers(1, 3),
        patience=st.sampled_from([model.MINUTE, model.DAY]),
    )
    def have_mail_after_mail_sent(
        self, address: str, turns: list[Turn], from_clients: int, patience: timedelta
    ) -> None:
        """Each at the first instant at which it may be, if that is soon enough."""
        for number, turn in enumerate(turns):
            client = CLIENTS[number % from_clients]
            at = self._model.new_code_at(address, client)
            if at is None or at - self._model.now > patience:
                return
            if at - self._model.now > SECOND:
                self._wait(at - self._model.now - SECOND)
                for fate in turn.swept_before:
                    self._run(self._both.sweep(fate))
            self._wait(at - self._model.now)
            keeps_one_waiting = self._both.is_mail_on_the_wire
            if turn.registers is None:
                self.ask_for_a_new_code(address, None, client, turn.fate)
            else:
                self.register(address, turn.registers, client, turn.fate)
            self._run(self._both.look())
            if keeps_one_waiting:
                self._run(self._both.answer_the_oldest(turn.answered_then))
            self.show_wrong_codes(address, None, client, turn.wrong_codes, answer_is_lost=False)

    @rule(
        address=addresses,
        person=people,
        client=clients,
        times=st.integers(1, 4),
        answer_is_lost=st.booleans(),
    )
    def show_wrong_codes(
        self, address: str, person: str | None, client: str, times: int, answer_is_lost: bool
    ) -> None:
        """`answer_is_lost`: the first one's, when it has been counted."""
        self._both.loses_an_answer |= answer_is_lost
        for _ in range(times):
            answer = self._run(self._both.guess(address, self._password(address, person), client))
            if not isinstance(answer, IncorrectCode | TooManyAttempts):
                return

    @rule(
        address=addresses,
        person=people,
        client=clients,
        age=st.sampled_from([0, 0, 0, 1, 1, 2, 3]),
        answer_is_lost=st.booleans(),
    )
    def show_a_right_code(
        self, address: str, person: str | None, client: str, age: int, answer_is_lost: bool
    ) -> None:
        """The newest that was made for the address, or one of those before it, whosever it was."""
        self._both.loses_an_answer |= answer_is_lost
        if codes := self._model.addresses[address].codes[-1 - age :]:
            password = self._password(address, person)
            self._run(self._both.activate(address, password, codes[0].text, client))

    @rule(address=addresses, person=people, client=clients)
    def erase(self, address: str, person: str | None, client: str) -> None:
        password = self._password(address, person)
        if not self._leaves_a_notice_unsent(address, password):
            self._run(self._both.erase(address, password, client))

    @rule(
        address=addresses,
        person=people,
        turns=st.integers(4, 11),
        from_clients=st.integers(1, 3),
        fate=fates,
    )
    def attack(
        self, address: str, person: str | None, turns: int, from_clients: int, fate: Fate | None
    ) -> None:
        """Somebody guesses, and whenever that is refused asks for a new code as soon as it is possible."""
        password = self._password(address, person)
        if self._is_orphan(address, password):
            return
        for turn in range(turns):
            client = CLIENTS[turn % from_clients]
            answer = self._run(self._both.guess(address, password, client))
            if isinstance(answer, TooManyAttempts | ExpiredCode):
                answer = self._run(self._both.resend(address, password, client, fate))
                if isinstance(answer, RefusedForNow):
                    self._wait(answer.retry_after)
                    self._run(self._both.resend(address, password, client, fate))
                self._run(self._both.look())
            elif not isinstance(answer, IncorrectCode):
                return

    @precondition(lambda self: any(known.is_locked_for_good for known in self._model.addresses.values()))
    @rule(address=addresses)
    def unlock(self, address: str) -> None:
        self._run(self._both.unlock(address))

    @rule(duration=st.sampled_from(WAITS), sweeps=st.lists(fates, max_size=2))
    def wait(self, duration: timedelta, sweeps: list[Fate | None]) -> None:
        """Then couriers look for what is due, one after another."""
        self._wait(duration)
        for fate in sweeps:
            self._run(self._both.sweep(fate))

    @precondition(lambda self: self._both.is_mail_on_the_wire)
    @rule(fate=answers)
    def answer(self, fate: Fate) -> None:
        """The provider says at last what it has done with the mail that it has had for longest."""
        self._run(self._both.answer_the_oldest(fate))

    @rule(edges=st.integers(1, 4), fate=fates)
    def watch_the_next_edges(self, edges: int, fate: Fate | None) -> None:
        """Of all that begins or ends by itself."""
        for _ in range(edges):
            edge = self._model.next_turning_point()
            if edge is not None:
                self._watch(edge, fate)

    @rule(address=addresses, fate=fates)
    def watch_codes_die(self, address: str, fate: Fate | None) -> None:
        live = [code for code in self._model.addresses[address].codes if code.is_live(self._model.now)]
        for edge in sorted(code.dies_at for code in live):
            self._watch(edge, fate)

    @rule()
    def the_provider_is_well_for_a_minute(self) -> None:
        """Then all that is wanted has been sent, if its time was not nearly over."""
        for _ in range(12):
            self._wait(timedelta(seconds=5))
            self._run(self._both.sweep(Fate.ACCEPTED))
        for address, known in self._model.addresses.items():
            codes = known.registration.codes[-1:] if known.registration else []
            for code in codes:
                in_time = self._model.now - code.made_at < timedelta(minutes=9)
                is_due = in_time and self._model.is_wanted(address, code) and not code.is_refused
                assert code.accepted_at is not None or not is_due, "a mail was not sent"

    @rule(restart=st.booleans())
    def renew_the_keys(self, restart: bool) -> None:
        self._run(self._both.renew_keys(restart=restart))

    @rule()
    def lose_the_answer_to_the_next_commit(self) -> None:
        self._both.loses_an_answer = True

    @invariant()
    def all_is_as_the_contract_says(self) -> None:
        self._run(self._both.look())

    @invariant()
    def no_limit_was_passed(self) -> None:
        for known in self._model.addresses.values():
            assert model.most_within(known.mails, timedelta(seconds=30)) <= 1
            assert model.most_within(known.mails, model.HOUR) <= 5
            assert model.most_within(known.mails, model.DAY) <= 10
            assert model.most_within(known.wrong_codes, model.DAY) <= 10
            assert model.most_within(known.wrong_codes, model.YEAR) <= 100
            for client in CLIENTS:
                mails = [mail for mail in known.mails if mail.client == client]
                assert model.most_within(mails, model.HOUR) <= 3
                assert model.most_within(mails, model.DAY) <= 5
                wrong_codes = [wrong for wrong in known.wrong_codes if wrong.client == client]
                assert model.most_within(wrong_codes, model.DAY) <= 5

    @invariant()
    def at_most_two_codes_are_live(self) -> None:
        for known in self._model.addresses.values():
            assert sum(code.is_live(self._model.now) for code in known.codes) <= 2

    @invariant()
    def nothing_failed_behind_the_scenes(self) -> None:
        assert [entry for entry in self._logged if entry["log_level"] == "error"] == []
        self._logged.clear()

    def _password(self, address: str, person: str | None) -> str:
        return person or self._both.holder_of(address)

    def _is_orphan(self, address: str, password: str) -> bool:
        """Whether it is the password of a decoy whose user is gone.

        It is not given further codes here: their notices have lost their purpose and are dropped, and what its holder
        is to see then is not said.
        """
        known = self._model.addresses[address]
        holder = known.holder(password)
        return isinstance(holder, model.Registration) and holder.is_decoy and known.user is None

    def _leaves_a_notice_unsent(self, address: str, password: str) -> bool:
        """Whether erasure would leave a decoy whose notice is still to be sent: the same again."""
        known = self._model.addresses[address]
        if known.registration is None or known.holder(password) is not known.user:
            return False
        code = known.registration.codes[-1]
        return code.accepted_at is None and code.is_live(self._model.now)

    def _watch(self, edge: datetime, fate: Fate | None) -> None:
        """Look just before the instant, after a sweep, then exactly at and just after it."""
        if edge - INSTANT > self._model.now:
            self._wait(edge - INSTANT - self._model.now)
            self._run(self._both.sweep(fate))
            self._run(self._both.look())
        for at in (edge, edge + INSTANT):
            if at > self._model.now:
                self._wait(at - self._model.now)
                self._run(self._both.look())

    def _wait(self, duration: timedelta) -> None:
        self._run(self._both.set_clock(min(self._model.now + duration, END)))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)
