"""The contract's rules, written down a second time: from its text, with nothing of the service in it.

It says what each command must be answered and what must be true afterwards. It looks through whole lists and knows no
tables, no leases and no keys: slow and plain, so that it can be read beside the contract. Where the contract leaves
something open, a comment says what is taken for granted here.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

JOINING = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
LIFE_OF_A_MAIL = timedelta(minutes=10)
LONGEST_ATTEMPT = timedelta(seconds=15)
HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)

MAILS = ((1, timedelta(seconds=30)), (5, HOUR), (10, DAY))
MAILS_OF_A_CLIENT = ((3, HOUR), (5, DAY))
WRONG_CODES = ((10, DAY),)
WRONG_CODES_OF_A_CLIENT = ((5, DAY),)
WRONG_CODES_UNTIL_UNLOCKED = 100
WRONG_CODES_FOR_A_CODE = 3
LIVE_CODES = 2


@dataclass(frozen=True)
class Refused:
    """`until`: when the same may succeed, so what Retry-After must say; None where no instant is promised."""

    code: str
    attempts_left: int | None = None
    until: datetime | None = None


INVALID_CREDENTIALS = Refused("invalid-credentials")
ALREADY_ACTIVE = Refused("already-active")
EXPIRED = Refused("expired-code")
LOCKED_FOR_GOOD = Refused("too-many-attempts")


@dataclass(frozen=True)
class Deed:
    """A mail that somebody caused, or a wrong code that somebody showed."""

    at: datetime
    client: str


class Granted(Enum):
    """What follows from a request that is not refused."""

    JOINS = auto()
    MAILS = auto()
    ACTIVATES = auto()


class Fate(Enum):
    """What is known of an attempt to send a mail."""

    ON_THE_WIRE = auto()
    ACCEPTED = auto()
    NOT_TAKEN = auto()
    UNKNOWN = auto()
    REFUSED = auto()


@dataclass(eq=False)
class Attempt:
    """`is_overtaken`: another process has the mail now, and this one's word counts only if the mail was accepted."""

    at: datetime
    fate: Fate = Fate.ON_THE_WIRE
    is_overtaken: bool = False


@dataclass(eq=False)
class Code:
    """A code and the mail that brings it; or a decoy's, and the notice that stands for it."""

    made_at: datetime
    is_notice: bool
    text: str = ""
    is_void: bool = False
    is_refused: bool = False
    accepted_at: datetime | None = None
    was_lost_sight_of: bool = False
    attempts: list[Attempt] = field(default_factory=list)

    def is_live(self, now: datetime) -> bool:
        if self.is_void or self.is_refused:
            return False
        return now < self.dies_at

    @property
    def dies_at(self) -> datetime:
        return self.made_at + LIFE_OF_A_MAIL if self.accepted_at is None else self.accepted_at + MINUTE

    @property
    def is_surely_unsent(self) -> bool:
        """Each attempt is known to have failed, so the mail waits; else it may be in a mailbox already."""
        fates = {attempt.fate for attempt in self.attempts}
        return fates == {Fate.NOT_TAKEN} and not self.was_lost_sight_of


@dataclass(eq=False)
class Registration:
    password: str
    registered_at: datetime
    is_decoy: bool
    codes: list[Code] = field(default_factory=list)

    def live(self, now: datetime) -> list[Code]:
        return [code for code in self.codes if code.is_live(now)]


@dataclass(eq=False)
class User:
    password: str
    registered_at: datetime
    activated_at: datetime


@dataclass(eq=False)
class Address:
    mails: list[Deed]
    """Of the mailbox: addresses that differ only in a `+tag` have one list."""
    registration: Registration | None = None
    user: User | None = None
    codes: list[Code] = field(default_factory=list)
    """All that were ever made for the address, the oldest first."""
    wrong_codes: list[Deed] = field(default_factory=list)
    wrong_since_newest: int = 0
    is_locked_for_good: bool = False

    def holder(self, password: str) -> User | Registration | None:
        """A user's own password goes on showing the user, also where a decoy has the same."""
        holders = (holder for holder in (self.user, self.registration) if holder is not None)
        return next((holder for holder in holders if holder.password == password), None)

    def may_be_mailed(self, client: str, at: datetime) -> bool:
        return _fit(self.mails, MAILS, at) and _fit(_by(self.mails, client), MAILS_OF_A_CLIENT, at)

    def may_be_tried(self, client: str, at: datetime) -> bool:
        return _fit(self.wrong_codes, WRONG_CODES, at) and _fit(
            _by(self.wrong_codes, client), WRONG_CODES_OF_A_CLIENT, at
        )

    def turning_points(self) -> Iterator[datetime]:
        """The instants at which something may be different from what it was before."""
        yield from (mail.at + window for mail in self.mails for _, window in MAILS)
        yield from (wrong.at + window for wrong in self.wrong_codes for window in (DAY, YEAR))
        yield from (code.dies_at for code in self.codes)
        yield from (known.registered_at + JOINING for known in (self.user, self.registration) if known)


class Model:
    """What the service must answer, and how it is changed by what it grants."""

    def __init__(self, now: datetime, addresses: Iterable[str]) -> None:
        self.now = now
        mailboxes: dict[str, list[Deed]] = {}
        self.addresses = {
            address: Address(mailboxes.setdefault(mailbox_of(address), [])) for address in addresses
        }

    def judge_registering(self, address: str, client: str) -> Refused | Granted:
        known = self.addresses[address]
        if refusal := self._refuse_locked(known, client):
            return refusal
        # Once it is erased there is nothing left to join.
        if any(self.now - it.registered_at < JOINING for it in (known.user, known.registration) if it):
            return Granted.JOINS
        return self._refuse_mail(known, client) or Granted.MAILS

    def judge_resending(self, address: str, password: str, client: str) -> Refused | Granted:
        known = self.addresses[address]
        holder = known.holder(password)
        if holder is None:
            return INVALID_CREDENTIALS
        if isinstance(holder, User):
            return ALREADY_ACTIVE
        # Which of the two comes first where both apply, the contract leaves open.
        return self._refuse_locked(known, client) or self._refuse_mail(known, client) or Granted.MAILS

    def judge_code(self, address: str, password: str, text: str, client: str) -> Refused | User | Granted:
        """An active user, or that the registration becomes one; else why not."""
        known = self.addresses[address]
        holder = known.holder(password)
        if holder is None:
            return INVALID_CREDENTIALS
        if isinstance(holder, User):
            return holder
        return (
            self._refuse_locked(known, client)
            or self._refuse_after_three(address, client)
            or self._judge_code_of(known, holder, text)
        )

    def judge_password(self, address: str, password: str) -> Refused | User | Registration:
        return self.addresses[address].holder(password) or INVALID_CREDENTIALS

    def register(self, address: str, password: str, client: str) -> Code:
        """Make a registration, in place of any other, and return the code that is to be mailed."""
        known = self.addresses[address]
        self._void(known)
        known.registration = Registration(password, self.now, is_decoy=known.user is not None)
        return self._mail_code(known, known.registration, client)

    def resend(self, address: str, client: str) -> Code:
        """Make another code for the registration and return it."""
        known = self.addresses[address]
        assert known.registration is not None
        for code in known.registration.codes:
            code.is_void |= code.is_surely_unsent
        for code in known.registration.live(self.now)[: -(LIVE_CODES - 1)]:
            code.is_void = True
        return self._mail_code(known, known.registration, client)

    def activate(self, address: str) -> User:
        known = self.addresses[address]
        assert known.registration is not None
        self._void(known)
        known.user = User(known.registration.password, known.registration.registered_at, self.now)
        known.registration = None
        return known.user

    def count_wrong_code(self, address: str, client: str) -> None:
        known = self.addresses[address]
        self.remember_wrong_code(address, client)
        known.wrong_since_newest += 1
        if known.registration is not None and known.wrong_since_newest == WRONG_CODES_FOR_A_CODE:
            for code in known.registration.live(self.now):
                code.is_void = True

    def remember_wrong_code(self, address: str, client: str) -> None:
        """Count one that says nothing of the newest code."""
        known = self.addresses[address]
        known.wrong_codes.append(Deed(self.now, client))
        of_the_year = sum(self.now - wrong.at < YEAR for wrong in known.wrong_codes)
        known.is_locked_for_good |= of_the_year >= WRONG_CODES_UNTIL_UNLOCKED

    def erase(self, address: str, password: str) -> None:
        """Remove whom the password belongs to. What counts stays."""
        known = self.addresses[address]
        if known.holder(password) is known.user:
            known.user = None
        else:
            self._void(known)
            known.registration = None

    def unlock(self, address: str) -> None:
        """An operator's word: no wrong code counts any more. Those that were made worthless stay so."""
        known = self.addresses[address]
        known.wrong_codes.clear()
        known.wrong_since_newest = 0
        known.is_locked_for_good = False

    def new_code_at(self, address: str, client: str) -> datetime | None:
        """When the client may cause another mail; None if an operator has to unlock the address first."""
        known = self.addresses[address]
        if known.is_locked_for_good:
            return None
        return self._first(
            known, lambda at: known.may_be_mailed(client, at) and known.may_be_tried(client, at)
        )

    def next_turning_point(self) -> datetime | None:
        """The next instant at which something begins or ends by itself; None if there is none."""
        coming = (at for known in self.addresses.values() for at in known.turning_points() if self.now < at)
        return min(coming, default=None)

    def is_wanted(self, address: str, code: Code) -> bool:
        """Whether the code's mail still has a purpose."""
        known = self.addresses[address]
        registration = known.registration
        if registration is None or code is not registration.codes[-1] or code.is_void:
            return False
        return not registration.is_decoy or known.user is not None

    def send(self, address: str, code: Code) -> Attempt:
        """Somebody gives the code's mail to the provider. Fails where that must not happen."""
        assert self.is_wanted(address, code), "a mail without a purpose was sent"
        assert self.now - code.made_at < LIFE_OF_A_MAIL, "a mail was sent when its code was dead"
        assert not code.is_refused, "a mail was sent again that had been refused for good"
        assert code.accepted_at is None, "a mail was sent again that had been accepted"
        on_the_wire = [attempt for attempt in code.attempts if attempt.fate is Fate.ON_THE_WIRE]
        if on_the_wire:
            assert self.now - on_the_wire[-1].at >= LONGEST_ATTEMPT, "a mail was sent twice at once"
            self.lose_sight(code)
        code.attempts.append(Attempt(self.now))
        return code.attempts[-1]

    def lose_sight(self, code: Code) -> None:
        """Who held the mail is believed dead: it may have been sent."""
        code.was_lost_sight_of = True
        for attempt in code.attempts:
            attempt.is_overtaken = True

    def answer(self, code: Code, attempt: Attempt, fate: Fate) -> None:
        """The provider's answer to an attempt has come, or will never come."""
        attempt.fate = fate
        if fate is Fate.UNKNOWN:
            code.was_lost_sight_of = True
        if code.accepted_at is not None or code.is_refused:
            return
        if fate is Fate.ACCEPTED:
            code.accepted_at = self.now
        elif fate is Fate.REFUSED and not attempt.is_overtaken:
            code.is_refused = True

    def _refuse_locked(self, known: Address, client: str) -> Refused | None:
        if known.is_locked_for_good:
            return LOCKED_FOR_GOOD
        if known.may_be_tried(client, self.now):
            return None
        until = self._first(known, lambda at: known.may_be_tried(client, at))
        return Refused("too-many-attempts", until=until)

    def _refuse_after_three(self, address: str, client: str) -> Refused | None:
        if self.addresses[address].wrong_since_newest < WRONG_CODES_FOR_A_CODE:
            return None
        return Refused("too-many-attempts", until=self.new_code_at(address, client))

    def _judge_code_of(self, known: Address, registration: Registration, text: str) -> Refused | Granted:
        live = registration.live(self.now)
        if not live:
            return EXPIRED
        if text in {code.text for code in live} and not registration.is_decoy:
            return Granted.ACTIVATES
        of_the_day = sum(self.now - wrong.at < DAY for wrong in known.wrong_codes)
        left = min(WRONG_CODES_FOR_A_CODE - known.wrong_since_newest, WRONG_CODES[0][0] - of_the_day)
        return Refused("incorrect-code", attempts_left=left - 1)

    def _refuse_mail(self, known: Address, client: str) -> Refused | None:
        if known.may_be_mailed(client, self.now):
            return None
        until = self._first(known, lambda at: known.may_be_mailed(client, at))
        return Refused("rate-limited", until=until)

    def _first(self, known: Address, is_possible: Callable[[datetime], bool]) -> datetime:
        """The first instant from now on at which it is possible, if nothing else happens."""
        coming = (at for at in known.turning_points() if self.now < at)
        return next(at for at in sorted({self.now, *coming}) if is_possible(at))

    def _mail_code(self, known: Address, registration: Registration, client: str) -> Code:
        code = Code(self.now, registration.is_decoy)
        registration.codes.append(code)
        known.codes.append(code)
        known.mails.append(Deed(self.now, client))
        known.wrong_since_newest = 0
        return code

    def _void(self, known: Address) -> None:
        """No code that was mailed for the address works any more."""
        for code in known.codes:
            code.is_void = True


def mailbox_of(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def most_within(deeds: Sequence[Deed], window: timedelta) -> int:
    """How many of them, the oldest first, there are in the fullest window of that length."""
    times = [deed.at for deed in deeds]
    return max((at + 1 - bisect_right(times, last - window) for at, last in enumerate(times)), default=0)


def _fit(deeds: Iterable[Deed], limits: Iterable[tuple[int, timedelta]], at: datetime) -> bool:
    """Whether one more would be within all the limits."""
    deeds = list(deeds)
    return all(sum(at - deed.at < window for deed in deeds) < count for count, window in limits)


def _by(deeds: Iterable[Deed], client: str) -> Iterator[Deed]:
    return (deed for deed in deeds if deed.client == client)
