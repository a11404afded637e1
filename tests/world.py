"""The core with fakes around it, and the things that a test wants to say in one word."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from registration.commands.activate_user import ActivateUser
from registration.commands.erase_user import EraseUser
from registration.commands.register_user import RegisterUser
from registration.commands.send_new_code import SendNewCode
from registration.domain.activation_code import derive_code
from registration.domain.email_address import EmailAddress
from registration.domain.errors import IncorrectCode
from registration.domain.events import DomainEvent
from registration.domain.mail import MailState
from registration.domain.policy import Policy
from registration.domain.user import User
from registration.messaging.command_bus import CommandBus
from registration.queries.get_user import GetUser, PendingUser
from registration.wiring import Ports, bind_messages
from tests.fake_guards import FakeCodeKeys, FakeHasher, FakeRateLimiter
from tests.fakes import Clock, FakeDatabase, StoredMail, Tables

ANN = EmailAddress("ann@example.org")
PASSWORD = "correct horse battery"
OTHER_PASSWORD = "staple of another"
HOME = "192.0.2.1"


@dataclass(frozen=True, slots=True)
class Moment:
    """To compare with another, and to go back to as often as one likes."""

    now: datetime
    tables: Tables
    counts: Counter[tuple[object, ...]]


@dataclass
class World:
    """Everything but HTTP, MariaDB, bcrypt and the mail provider."""

    policy: Policy = field(default_factory=Policy)
    clock: Clock = field(default_factory=Clock)
    hasher: FakeHasher = field(default_factory=FakeHasher)
    limiter: FakeRateLimiter = field(default_factory=FakeRateLimiter)
    keys: FakeCodeKeys = field(default_factory=FakeCodeKeys)
    published_outside: list[DomainEvent] = field(default_factory=list)
    database: FakeDatabase = field(init=False)
    ports: Ports = field(init=False)
    bus: CommandBus = field(init=False)

    def __post_init__(self) -> None:
        self.database = FakeDatabase(self.clock)
        self.ports = Ports(
            units_of_work=self.database,
            read_account=self.database.read_account,
            hasher=self.hasher,
            limiter=self.limiter,
            code_keys=self.keys,
            publish=self.published_outside.append,
            new_id=uuid4,
            is_common_password=lambda password: password == "password1",
        )
        self.bus = bind_messages(self.ports, self.policy)

    @property
    def published(self) -> list[DomainEvent]:
        return self.database.published

    def moment(self) -> Moment:
        """All that what follows depends on, as it is now."""
        return Moment(self.clock.now, self.database.tables.copy(), self.limiter.counts.copy())

    def go_back_to(self, moment: Moment) -> None:
        self.clock.now = moment.now
        self.database.tables = moment.tables.copy()
        self.limiter.counts = moment.counts.copy()

    def take_published(self) -> list[DomainEvent]:
        taken, self.database.published = self.database.published, []
        return taken

    async def register(self, email: EmailAddress = ANN, password: str = PASSWORD, client: str = HOME) -> None:
        await self.bus.dispatch(RegisterUser(email, password, client))

    async def new_code(self, email: EmailAddress = ANN, password: str = PASSWORD, client: str = HOME) -> None:
        await self.bus.dispatch(SendNewCode(email, password, client))

    async def activate(
        self, code: str, email: EmailAddress = ANN, password: str = PASSWORD, client: str = HOME
    ) -> User:
        return await self.bus.dispatch(ActivateUser(email, password, code, client))

    async def guess_wrong(
        self, email: EmailAddress = ANN, password: str = PASSWORD, client: str = HOME
    ) -> int:
        """Show a code that is surely wrong; return the attempts left."""
        try:
            await self.activate(self.wrong_code(email), email, password, client)
        except IncorrectCode as refusal:
            return refusal.attempts_left
        raise AssertionError("a wrong code activated")

    async def erase(self, email: EmailAddress = ANN, password: str = PASSWORD, client: str = HOME) -> None:
        await self.bus.dispatch(EraseUser(email, password, client))

    async def get(
        self, email: EmailAddress = ANN, password: str = PASSWORD, client: str = HOME
    ) -> User | PendingUser:
        return await self.bus.dispatch(GetUser(email, password, client))

    async def register_active(self, email: EmailAddress = ANN, password: str = PASSWORD) -> User:
        """Have a user whose mails are a day old, so that no limit is in the way."""
        await self.register(email, password)
        user = await self.activate(self.code(email), email, password)
        self.clock.advance(days=1)
        self.take_published()
        return user

    def mails(self, email: EmailAddress = ANN) -> list[StoredMail]:
        """All mails to the address, the oldest first."""
        stored = self.database.tables.mails.values()
        return sorted((m for m in stored if m.new.email == email), key=lambda m: m.created_at)

    def code(self, email: EmailAddress = ANN, mail: int = -1) -> str:
        """The code that the mail brings; of the newest mail if nothing is said."""
        new = self.mails(email)[mail].new
        return derive_code(
            self.keys.keys[new.code_key_id], new.id, new.credential_id, self.policy.code_digits
        )

    def wrong_code(self, email: EmailAddress = ANN) -> str:
        right = {self.code(email, index) for index in range(len(self.mails(email)))}
        return next(code for code in map(str, range(1000, 2000)) if code not in right)

    def accept_mail(self, email: EmailAddress = ANN, mail: int = -1, at: datetime | None = None) -> None:
        """The provider takes the mail."""
        stored = self.mails(email)[mail]
        stored.state, stored.accepted_at = MailState.ACCEPTED, at or self.clock.now
        stored.due_at = stored.lease = None

    def release_mail(self, email: EmailAddress = ANN, mail: int = -1) -> None:
        """The mail waits for its next attempt: nobody holds it."""
        stored = self.mails(email)[mail]
        stored.due_at, stored.lease = self.clock.now, None
