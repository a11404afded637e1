"""What happens at the same instant on one address, with the real database deciding who is first."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import LiteralString, TypeVar
from uuid import UUID, uuid4

import pytest

from config.settings import parse_database_url
from registration.adapters.keys import KeyRing
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import Connection, Database, Row, open_database
from registration.adapters.mysql.mails import MailStamp
from registration.adapters.mysql.outbox import MySQLOutbox
from registration.adapters.mysql.purge import MySQLPurge
from registration.adapters.mysql.unit_of_work import MySQLAccountReader, MySQLUnitsOfWork
from registration.commands.activate_user import ActivateUser
from registration.commands.erase_user import EraseUser
from registration.commands.register_user import RegisterUser
from registration.commands.send_new_code import SendNewCode
from registration.domain.account import Account
from registration.domain.activation_code import derive_code, is_live
from registration.domain.email_address import EmailAddress
from registration.domain.errors import (
    ExpiredCode,
    IncorrectCode,
    InvalidCredentials,
    Refusal,
    TooManyAttempts,
)
from registration.domain.events import (
    ActivationCodeIssued,
    DomainEvent,
    TakenAddressRegistered,
    UserActivated,
    UserErased,
)
from registration.domain.policy import Policy
from registration.domain.registration import Registration
from registration.domain.user import User
from registration.messaging.command_bus import CommandBus, Message
from registration.ports import OutgoingMail, UnitOfWork
from registration.queries.get_user import GetUser, PendingUser
from registration.wiring import Ports, bind_messages
from tests.fake_guards import FakeHasher, FakeRateLimiter
from tests.private_database import Databases

R = TypeVar("R")

CONNECTIONS = 8
LONE_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
ROUNDS = 20
MAX_ROUNDS = 500
PAUSE_SECONDS = 0.002
CLIENT = "192.0.2.1"
MINE, THEIRS = "correct horse battery", "staple of another"
SECRET = "a secret key of the tests, long enough"
NO_LIMIT_ON_MAILS = Policy(mail_cooldown=timedelta(), mails_per_hour=1000, mails_per_day=1000)
RETENTION = timedelta(days=7)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


class PausingConnection(Connection):
    """Pauses before each statement, as a busy machine does, so that others come in between."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, sql: LiteralString, *args: object) -> int:
        return await later(self._connection.execute(sql, *args))

    async def fetch_all(self, sql: LiteralString, *args: object) -> Sequence[Row]:
        return await later(self._connection.fetch_all(sql, *args))


class PausingDatabase(Database):
    """Its connections pause while there is a race."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.pauses = False

    async def read(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        return await self._database.read(lambda connection: work(self._pausing(connection)))

    async def transact(self, work: Callable[[Connection], Awaitable[R]]) -> R:
        return await self._database.transact(lambda connection: work(self._pausing(connection)))

    def _pausing(self, connection: Connection) -> Connection:
        return PausingConnection(connection) if self.pauses else connection


@dataclass
class World:
    """The handlers on a real database; only bcrypt is not real. Nobody sends the mails."""

    database: PausingDatabase
    keys: KeyRing
    published: list[DomainEvent] = field(default_factory=list)
    bus: CommandBus = field(init=False)
    units_of_work: MySQLUnitsOfWork = field(init=False)
    outbox: MySQLOutbox = field(init=False)
    read_account: MySQLAccountReader = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = MySQLOutbox(self.database)
        self.read_account = MySQLAccountReader(self.database, self.keys)
        self.units_of_work = MySQLUnitsOfWork(
            self.database, self.keys, self.published.append, lambda: MailStamp(1, None)
        )
        ports = Ports(
            units_of_work=self.units_of_work,
            read_account=self.read_account,
            hasher=FakeHasher(),
            limiter=FakeRateLimiter(),
            code_keys=self.keys,
            publish=self.published.append,
            new_id=uuid4,
            is_common_password=lambda _: False,
        )
        self.bus = bind_messages(ports, NO_LIMIT_ON_MAILS)

    async def dispatch(self, message: Message[R]) -> R | Refusal:
        """What it is answered with, be it a refusal."""
        try:
            return await self.bus.dispatch(message)
        except Refusal as refusal:
            return refusal

    async def at_once(self, *work: Awaitable[R], while_doing: Awaitable[None] | None = None) -> list[R]:
        """A race: begun in any order, within a few milliseconds."""
        self.database.pauses = True
        try:
            results = asyncio.gather(*map(later, work))
            if while_doing is not None:
                await later(while_doing)
            return await results
        finally:
            self.database.pauses = False

    async def registered(self, email: EmailAddress, password: str = MINE) -> OutgoingMail:
        """Register, long enough ago that another registration does not join this one; return the mail."""
        await self.bus.dispatch(RegisterUser(email, password, CLIENT))
        await self.database.read(_age_registrations)
        return await self.newest_mail()

    async def newest_mail(self) -> OutgoingMail:
        event = self.published[-1]
        assert isinstance(event, ActivationCodeIssued | TakenAddressRegistered)
        mail = await self.outbox.take_fresh(event.mail_id)
        assert mail is not None
        return mail

    async def code(self, mail: OutgoingMail) -> str:
        key = await self.keys.code_key(mail.code_key_id)
        return derive_code(key, mail.id, mail.credential_id, NO_LIMIT_ON_MAILS.code_digits)

    async def account(self, email: EmailAddress) -> Account:
        return await self.read_account(email, CLIENT)

    def count(self, event: type[DomainEvent]) -> int:
        return sum(isinstance(published, event) for published in self.published)

    async def working_codes(self, email: EmailAddress) -> set[UUID]:
        """The mails whose codes would activate the address."""
        account = await self.account(email)
        ttl = NO_LIMIT_ON_MAILS.code_ttl
        return {mail.id for mail in account.mails if is_live(mail, account.now, ttl)}

    async def mail_states(self, email: EmailAddress) -> dict[UUID, tuple[str, str | None]]:
        """The state of each mail to the address, and the reason."""

        async def read(connection: Connection) -> dict[UUID, tuple[str, str | None]]:
            rows = await connection.fetch_all(
                "SELECT id, state, reason FROM mails WHERE email = %s", email.text
            )
            return {UUID(bytes=mail_id): (state, reason) for mail_id, state, reason in rows}

        return await self.database.read(read)

    async def grow_old(self, email: EmailAddress, *, mails: bool = True) -> None:
        """Let the address's registration have been made more than the retention ago, and with it its mails."""

        async def update(connection: Connection) -> None:
            for table, column in (("accounts", "registered_at"), ("mails", "created_at"))[: 1 + mails]:
                await connection.execute(
                    f"UPDATE {table} SET {column} = {column} - INTERVAL 8 DAY WHERE email = %s",  # noqa: S608 - our own
                    email.text,
                )

        await self.database.read(update)

    async def purge(self) -> dict[str, int]:
        """Purge to the end; return how many rows of each kind were removed."""
        return {removal.kind: removal.count async for removal in MySQLPurge(self.database, RETENTION)()}


async def _age_registrations(connection: Connection) -> None:
    await connection.execute("UPDATE accounts SET registered_at = registered_at - INTERVAL 2 SECOND")


@pytest.fixture(scope="module")
async def database(databases: Databases) -> AsyncIterator[PausingDatabase]:
    server = parse_database_url(databases.fresh())
    async with open_database(server, connections=CONNECTIONS) as database:
        yield PausingDatabase(database)


@pytest.fixture
async def world(database: PausingDatabase) -> World:
    keys = await load_keys(database, [SECRET])
    return World(database, keys)


@pytest.fixture
def ann() -> EmailAddress:
    return somebody()


def somebody() -> EmailAddress:
    return EmailAddress(f"{uuid4().hex}@example.org")


def a_wrong_code(right: str) -> str:
    return "0000" if right != "0000" else "1111"


async def later(work: Awaitable[R], seconds: float = PAUSE_SECONDS) -> R:
    """At any time from now to then."""
    await asyncio.sleep(random.uniform(0, seconds))
    return await work


def rounds(outcomes: Collection[str]) -> Iterator[int]:
    """So many, and more until the race has been won by either side."""
    yield from range(ROUNDS)
    for number in range(ROUNDS, MAX_ROUNDS):
        if len(outcomes) > 1:
            return
        yield number
    raise AssertionError(f"the race was none: {outcomes}")


async def test_twenty_registrations_are_one_with_one_mail(world: World) -> None:
    for _ in range(5):
        ann = somebody()
        world.published.clear()
        passwords = [f"{MINE} {number}" for number in range(20)]

        answers = await world.at_once(
            *(world.dispatch(RegisterUser(ann, password, CLIENT)) for password in passwords)
        )

        assert answers == [None] * 20
        account = await world.account(ann)
        assert account.registration is not None
        assert len(account.mails) == world.count(ActivationCodeIssued) == 1
        assert account.mails[0].credential_id == account.registration.credential_id


async def test_fifty_right_activations_make_one_user_and_say_so_once(world: World, ann: EmailAddress) -> None:
    code = await world.code(await world.registered(ann))

    answers = await world.at_once(*(world.dispatch(ActivateUser(ann, MINE, code, CLIENT)) for _ in range(50)))

    account = await world.account(ann)
    assert account.registration is None
    assert answers == [account.user] * 50
    assert world.count(UserActivated) == 1


async def test_of_sixty_wrong_codes_three_are_evaluated_and_the_right_one_after_them_is_not(
    world: World, ann: EmailAddress
) -> None:
    code = await world.code(await world.registered(ann))
    guess = ActivateUser(ann, MINE, a_wrong_code(code), CLIENT)

    answers = await world.at_once(*(world.dispatch(guess) for _ in range(60)))

    assert Counter(map(type, answers)) == {IncorrectCode: 3, TooManyAttempts: 57}
    left = [answer.attempts_left for answer in answers if isinstance(answer, IncorrectCode)]
    assert sorted(left) == [0, 1, 2]
    assert len((await world.account(ann)).wrong_codes) == 3
    assert isinstance(await world.dispatch(ActivateUser(ann, MINE, code, CLIENT)), TooManyAttempts)


async def test_a_right_code_among_wrong_ones_wins_or_comes_too_late(world: World) -> None:
    for _ in range(ROUNDS // 4):
        ann = somebody()
        world.published.clear()
        code = await world.code(await world.registered(ann))
        shown = [code, *[a_wrong_code(code)] * 9]

        right, *wrong = await world.at_once(
            *(world.dispatch(ActivateUser(ann, MINE, each, CLIENT)) for each in shown)
        )

        account = await world.account(ann)
        evaluated = sum(isinstance(answer, IncorrectCode) for answer in wrong)
        assert evaluated == len(account.wrong_codes)
        if account.user is None:
            assert isinstance(right, TooManyAttempts)
            assert (evaluated, world.count(UserActivated)) == (3, 0)
        else:
            assert right == account.user
            assert evaluated < 3
            assert world.count(UserActivated) == 1


async def test_the_day_has_ten_wrong_codes_however_many_codes_are_asked_for_meanwhile(
    world: World, ann: EmailAddress
) -> None:
    """Of which this client may spend five."""
    mail = await world.registered(ann)
    guess = ActivateUser(ann, MINE, a_wrong_code(await world.code(mail)), CLIENT)
    more = SendNewCode(ann, MINE, CLIENT)

    for _ in range(4):
        await world.at_once(*(world.dispatch(guess) for _ in range(10)), world.dispatch(more))
        await world.dispatch(more)

    assert len((await world.account(ann)).wrong_codes) <= 5
    assert isinstance(await world.dispatch(more), TooManyAttempts)


async def test_registering_over_a_pending_one_while_it_is_activated(world: World) -> None:
    """Whoever is first: there is never a user with the other one's password."""
    firsts: Counter[str] = Counter()
    for _ in rounds(firsts):
        ann = somebody()
        world.published.clear()
        mail = await world.registered(ann)
        code = await world.code(mail)

        answer, _ = await world.at_once(
            world.dispatch(ActivateUser(ann, MINE, code, CLIENT)),
            world.dispatch(RegisterUser(ann, THEIRS, CLIENT)),
        )

        account = await world.account(ann)
        assert account.registration is not None
        assert account.registration.credential_id != mail.credential_id
        if isinstance(answer, User):
            firsts["activated"] += 1
            assert account.user == answer
            assert account.user.credential_id == mail.credential_id
            assert account.registration.is_decoy
            assert world.count(TakenAddressRegistered) == 1
        else:
            firsts["registered"] += 1
            assert isinstance(answer, InvalidCredentials)
            assert account.user is None
            assert not account.registration.is_decoy
            assert world.count(UserActivated) == 0


async def test_erasing_while_activating_leaves_nothing(world: World) -> None:
    for _ in range(ROUNDS):
        ann = somebody()
        world.published.clear()
        code = await world.code(await world.registered(ann))

        activated, erased = await world.at_once(
            world.dispatch(ActivateUser(ann, MINE, code, CLIENT)),
            world.dispatch(EraseUser(ann, MINE, CLIENT)),
        )

        account = await world.account(ann)
        assert (erased, account.user, account.registration) == (None, None, None)
        assert world.count(UserErased) == 1
        assert world.count(UserActivated) == isinstance(activated, User)
        assert isinstance(activated, User | InvalidCredentials)
        assert await world.mail_states(ann) == {}


async def test_a_new_code_supersedes_a_mail_or_a_courier_takes_it_but_never_both(world: World) -> None:
    """And there are never more than two codes that work, one of which was mailed before."""
    firsts: Counter[str] = Counter()
    for _ in rounds(firsts):
        ann = somebody()
        mailed = await world.registered(ann)
        await world.outbox.accept(mailed, "mailpit", "id", timedelta)
        await world.bus.dispatch(SendNewCode(ann, MINE, CLIENT))
        waiting = await world.newest_mail()
        await world.outbox.give_back([waiting])

        claim = later(world.outbox.claim_due(limit=10), seconds=0.015)
        (held,) = await world.at_once(claim, while_doing=world.bus.dispatch(SendNewCode(ann, MINE, CLIENT)))
        claimed = [mail for mail in held if mail.id == waiting.id]

        state = (await world.mail_states(ann))[waiting.id]
        if claimed:
            firsts["claimed"] += 1
            assert state == ("queued", None)
            await world.outbox.accept(claimed[0], "mailpit", "id", timedelta)
        else:
            firsts["superseded"] += 1
            assert state == ("dropped", "superseded")
        working = await world.working_codes(ann)
        assert len(working) == 2
        assert (waiting.id in working) == bool(claimed)


async def test_couriers_never_hold_the_same_mail(world: World) -> None:
    for _ in range(ROUNDS // 2):
        mails = [await world.registered(somebody()) for _ in range(5)]
        await world.outbox.give_back(mails)

        claims = await world.at_once(*(world.outbox.claim_due(limit=5) for _ in range(CONNECTIONS)))

        held = Counter(mail.id for claim in claims for mail in claim)
        assert set(held.values()) == {1}


async def test_people_do_not_wait_for_each_other_for_ever(world: World) -> None:
    """Many addresses at once, each going all the way: conflicts between them are survived, and nobody is refused."""

    async def go_all_the_way(ann: EmailAddress) -> None:
        await world.bus.dispatch(RegisterUser(ann, MINE, CLIENT))
        mail = (await world.account(ann)).mails[0]
        key = await world.keys.code_key(mail.code_key_id)
        code = derive_code(key, mail.id, mail.credential_id, NO_LIMIT_ON_MAILS.code_digits)
        await world.bus.dispatch(SendNewCode(ann, MINE, CLIENT))
        await world.bus.dispatch(ActivateUser(ann, MINE, code, CLIENT))
        await world.bus.dispatch(EraseUser(ann, MINE, CLIENT))

    people = [somebody() for _ in range(100)]
    await asyncio.gather(*map(go_all_the_way, people))

    assert world.count(UserActivated) == world.count(UserErased) == len(people)


async def test_an_address_or_client_whose_digest_is_no_text_is_like_any_other(world: World) -> None:
    """The server passes lone surrogates on in a column's name, and the driver cannot read them."""

    def first(digest: Callable[[str], bytes], candidates: Iterator[str]) -> str:
        return next(each for each in candidates if LONE_SURROGATE.search(digest(each)))

    ann = EmailAddress(first(world.keys.address_digest, (f"{n}@example.org" for n in count())))
    client = first(world.keys.client_digest, map(str, count()))

    await world.bus.dispatch(RegisterUser(ann, MINE, client))
    code = await world.code(await world.newest_mail())
    wrong = await world.dispatch(ActivateUser(ann, MINE, a_wrong_code(code), client))

    assert isinstance(wrong, IncorrectCode)
    assert isinstance(await world.dispatch(ActivateUser(ann, MINE, code, client)), User)


async def test_a_registration_that_is_purged_after_it_was_read_is_made_anew_all_the_same(
    world: World, ann: EmailAddress
) -> None:
    await world.registered(ann)
    await world.grow_old(ann, mails=False)  # a purge that gets as far as the guard would wait for it
    password_hash = await FakeHasher().hash(THEIRS)
    tries = 0

    async def register(work: UnitOfWork) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            assert work.account.registration is not None
            await world.purge()
            assert (await world.account(ann)).registration is None
        await work.accounts.put_registration(
            Registration(ann, uuid4(), password_hash, is_decoy=False, registered_at=work.account.now)
        )

    await world.units_of_work(ann, CLIENT, register)

    assert tries == 2
    registration = (await world.account(ann)).registration
    assert registration is not None
    assert registration.password_hash == password_hash


async def test_registering_anew_while_the_old_registration_is_purged(world: World) -> None:
    """Whoever is first: the new one is there, with its mail."""
    firsts: Counter[str] = Counter()
    for _ in rounds(firsts):
        ann = somebody()
        old = await world.registered(ann)
        await world.grow_old(ann)

        answer, removed = await world.at_once(
            world.dispatch(RegisterUser(ann, THEIRS, CLIENT)), world.purge()
        )

        assert answer is None
        assert isinstance(removed, dict)
        firsts["purged" if removed["registrations"] else "registered"] += 1
        account = await world.account(ann)
        assert account.registration is not None
        assert account.registration.credential_id != old.credential_id
        assert len(account.newest_first(account.registration)) == 1
        assert list(await world.mail_states(ann)) == [mail.id for mail in account.mails]


@pytest.mark.parametrize(
    "ask, is_answered",
    [
        pytest.param(GetUser, PendingUser, id="looking"),
        pytest.param(SendNewCode, type(None), id="asking for a code"),
        pytest.param(EraseUser, type(None), id="erasing"),
        pytest.param(
            lambda ann, password, client: ActivateUser(ann, password, "0000", client),
            ExpiredCode,
            id="showing a code",
        ),
    ],
)
async def test_whatever_is_asked_while_a_registration_is_purged_is_answered_as_before_or_as_after(
    world: World, ask: Callable[[EmailAddress, str, str], Message[object]], is_answered: type[object]
) -> None:
    """The registration is never there without its mails."""
    answers: Counter[str] = Counter()
    for _ in rounds(answers):
        ann = somebody()
        await world.registered(ann)
        await world.grow_old(ann)

        answer, _ = await world.at_once(
            later(world.dispatch(ask(ann, MINE, CLIENT)), seconds=3 * PAUSE_SECONDS), world.purge()
        )

        assert isinstance(answer, is_answered | InvalidCredentials)
        answers[type(answer).__name__] += 1
        assert (await world.account(ann)).registration is None


async def test_activating_an_old_registration_while_it_is_purged(world: World) -> None:
    """Whoever is first: it is a user, or nothing is left of it."""
    firsts: Counter[str] = Counter()
    for _ in rounds(firsts):
        ann = somebody()
        world.published.clear()
        code = await world.code(await world.registered(ann))
        await world.grow_old(ann, mails=False)

        answer, _ = await world.at_once(world.dispatch(ActivateUser(ann, MINE, code, CLIENT)), world.purge())

        account = await world.account(ann)
        assert account.registration is None
        assert world.count(UserActivated) == (account.user is not None)
        if account.user is None:
            firsts["purged"] += 1
            assert isinstance(answer, InvalidCredentials)
        else:
            firsts["activated"] += 1
            assert answer == account.user


async def test_a_purge_takes_nothing_that_is_young_while_hundreds_come_back(world: World) -> None:
    """Each has an old registration, makes it anew during the purge, and every other one activates it."""

    async def come_back(ann: EmailAddress, *, activates: bool) -> None:
        await world.bus.dispatch(RegisterUser(ann, THEIRS, CLIENT))
        account = await world.account(ann)
        assert account.registration is not None
        (mail,) = account.newest_first(account.registration)
        key = await world.keys.code_key(mail.code_key_id)
        code = derive_code(key, mail.id, mail.credential_id, NO_LIMIT_ON_MAILS.code_digits)
        if activates:
            await world.bus.dispatch(ActivateUser(ann, THEIRS, code, CLIENT))

    people = [somebody() for _ in range(200)]
    for ann in people:
        await world.bus.dispatch(RegisterUser(ann, MINE, CLIENT))
        await world.grow_old(ann)

    *_, removed = await world.at_once(
        *(come_back(ann, activates=number % 2 == 0) for number, ann in enumerate(people)), world.purge()
    )

    assert isinstance(removed, dict)
    assert removed["mails"] == len(people)
    for number, ann in enumerate(people):
        account = await world.account(ann)
        holder = account.user if number % 2 == 0 else account.registration
        assert holder is not None
        assert [mail.credential_id for mail in account.mails] == [holder.credential_id]


async def test_erasing_takes_the_guard_away_and_units_of_work_go_on_excluding_each_other(
    world: World, ann: EmailAddress
) -> None:
    """Each adds one to what it has read. Of two that were at it at the same time, both would have read the same."""
    holder = Registration(ann, uuid4(), await FakeHasher().hash(MINE), is_decoy=False, registered_at=NOW)

    async def count_one(work: UnitOfWork) -> int:
        await work.wrong_codes.add(uuid4(), uuid4())
        if random.random() < 0.5:
            await work.accounts.erase(holder)
        return len(work.account.wrong_codes)

    read = await world.at_once(*(world.units_of_work(ann, CLIENT, count_one) for _ in range(100)))

    assert sorted(read) == list(range(100))
