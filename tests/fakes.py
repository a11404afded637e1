"""Doubles of persistence: the tables in memory, with a clock that stands still until a test moves it."""

import asyncio
import copy
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from registration.domain.account import Account
from registration.domain.address_guard import WrongCode
from registration.domain.email_address import EmailAddress
from registration.domain.events import DomainEvent
from registration.domain.mail import Mail, MailKind, MailState, NewMail
from registration.domain.password import PasswordHash
from registration.domain.registration import Registration
from registration.domain.user import User
from registration.ports import OutgoingMail, UnitOfWork

R = TypeVar("R")

LEASE = timedelta(seconds=25)
ATTEMPT = timedelta(seconds=20)


@dataclass
class Clock:
    """The database's clock."""

    now: datetime = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass
class StoredMail:
    new: NewMail
    client: str
    created_at: datetime
    due_at: datetime | None
    lease: UUID | None
    state: MailState = MailState.QUEUED
    accepted_at: datetime | None = None
    attempts: int = 0
    maybe_sent: bool = False
    voided: bool = False
    erased: bool = False
    provider: str | None = None
    message_id: str | None = None
    reason: str | None = None


@dataclass
class Tables:
    registrations: dict[EmailAddress, Registration] = field(default_factory=dict)
    users: dict[EmailAddress, User] = field(default_factory=dict)
    mails: dict[UUID, StoredMail] = field(default_factory=dict)
    wrong_codes: dict[EmailAddress, dict[UUID, tuple[WrongCode, str]]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def copy(self) -> "Tables":
        """As they are now: nothing in them changes but mails."""
        wrong_codes = {email: dict(shown) for email, shown in self.wrong_codes.items() if shown}
        return Tables(
            registrations=dict(self.registrations),
            users=dict(self.users),
            mails={mail_id: copy.copy(mail) for mail_id, mail in self.mails.items()},
            wrong_codes=defaultdict(dict, wrong_codes),
        )


class FakeDatabase:
    """UnitsOfWork, one at a time; what raises leaves no trace. Commits fail, and lose their answers, on request."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.tables = Tables()
        self.published: list[DomainEvent] = []
        self.fail_commit: Exception | None = None
        self.lose_commit_answers = 0
        self._alone = asyncio.Lock()

    async def __call__(
        self, email: EmailAddress, client: str, step: Callable[[UnitOfWork], Awaitable[R]]
    ) -> R:
        async with self._alone:
            while True:
                before = self.tables.copy()
                unit = FakeUnitOfWork(self, await self.read_account(email, client), client)
                try:
                    result = await step(unit)
                    if self.fail_commit is not None:
                        raise self.fail_commit  # noqa: TRY301 - as a commit would
                except BaseException:
                    self.tables = before
                    raise
                if not self.lose_commit_answers:
                    break
                self.lose_commit_answers -= 1
        self.published += unit.events
        return result

    async def read_account(self, email: EmailAddress, client: str) -> Account:
        tables, now = self.tables, self.clock.now
        registration = tables.registrations.get(email)
        current = registration.credential_id if registration else None
        return Account(
            email=email,
            now=now,
            user=tables.users.get(email),
            registration=registration,
            mails=[
                self._mail(stored, client)
                for stored in tables.mails.values()
                if stored.new.email.mailbox == email.mailbox
                and (stored.created_at > now - timedelta(days=1) or stored.new.credential_id == current)
            ],
            wrong_codes=[
                replace(wrong, by_this_client=by == client)
                for wrong, by in tables.wrong_codes[email].values()
            ],
        )

    def _mail(self, stored: StoredMail, client: str) -> Mail:
        return Mail(
            id=stored.new.id,
            credential_id=stored.new.credential_id,
            code_key_id=stored.new.code_key_id,
            language=stored.new.language,
            created_at=stored.created_at,
            state=stored.state,
            accepted_at=stored.accepted_at,
            is_claimed=stored.lease is not None
            and stored.due_at is not None
            and stored.due_at > self.clock.now,
            maybe_sent=stored.maybe_sent
            or (stored.lease is not None and stored.due_at is not None and stored.due_at <= self.clock.now),
            voided=stored.voided,
            by_this_client=stored.client == client,
        )


class FakeUnitOfWork:
    """A UnitOfWork."""

    def __init__(self, database: FakeDatabase, account: Account, client: str) -> None:
        self.account = account
        self.accounts = FakeAccounts(database, account)
        self.mails = FakeMails(database, client)
        self.wrong_codes = FakeWrongCodes(database, account.email, client)
        self.events: list[DomainEvent] = []

    def record(self, event: DomainEvent) -> None:
        self.events.append(event)


class FakeAccounts:
    def __init__(self, database: FakeDatabase, account: Account) -> None:
        self._database = database
        self._account = account

    async def put_registration(self, registration: Registration) -> None:
        self._database.tables.registrations[registration.email] = registration

    async def activate(self, registration: Registration) -> User:
        tables = self._database.tables
        tables.registrations.pop(registration.email)
        user = User(
            registration.email,
            registration.credential_id,
            registration.password_hash,
            registration.registered_at,
            self._account.now,
        )
        tables.users[registration.email] = user
        return user

    async def erase(self, holder: Registration | User) -> None:
        tables = self._database.tables
        holders = tables.users if isinstance(holder, User) else tables.registrations
        holders.pop(holder.email)
        remaining = {
            known.credential_id
            for known in (tables.users.get(holder.email), tables.registrations.get(holder.email))
            if known is not None
        }
        for stored in tables.mails.values():
            if stored.new.email == holder.email and stored.new.credential_id not in remaining:
                stored.erased = stored.voided = True
                stored.due_at = stored.lease = None
                if stored.state is MailState.QUEUED:
                    stored.state = MailState.DROPPED

    async def renew_hash(self, holder: Registration | User, password_hash: PasswordHash) -> None:
        tables = self._database.tables
        if isinstance(holder, User):
            tables.users[holder.email] = replace(holder, password_hash=password_hash)
        else:
            tables.registrations[holder.email] = replace(holder, password_hash=password_hash)


class FakeMails:
    def __init__(self, database: FakeDatabase, client: str) -> None:
        self._database = database
        self._client = client

    async def add(self, mail: NewMail) -> None:
        now = self._database.clock.now
        self._database.tables.mails[mail.id] = StoredMail(mail, self._client, now, now + LEASE, mail.id)

    async def supersede(self, mail_ids: Sequence[UUID]) -> None:
        for mail_id in mail_ids:
            stored = self._database.tables.mails[mail_id]
            stored.state, stored.reason = MailState.DROPPED, "superseded"
            stored.maybe_sent |= stored.lease is not None
            stored.due_at = stored.lease = None

    async def void_codes(self, mail_ids: Sequence[UUID]) -> None:
        for mail_id in mail_ids:
            self._database.tables.mails[mail_id].voided = True


class FakeWrongCodes:
    def __init__(self, database: FakeDatabase, email: EmailAddress, client: str) -> None:
        self._database = database
        self._email = email
        self._client = client

    async def add(self, attempt_id: UUID, newest_mail_id: UUID) -> None:
        wrong = WrongCode(attempt_id, newest_mail_id, self._database.clock.now, by_this_client=True)
        self._database.tables.wrong_codes[self._email][attempt_id] = (wrong, self._client)

    async def forget(self) -> None:
        self._database.tables.wrong_codes[self._email].clear()


class FakeOutbox:
    """The outbox's sending side over the same tables; an Outbox."""

    def __init__(self, database: FakeDatabase) -> None:
        self._database = database

    async def take_fresh(self, mail_id: UUID) -> OutgoingMail | None:
        stored = self._database.tables.mails.get(mail_id)
        if stored is None or stored.lease != mail_id or stored.due_at is None:
            return None
        if stored.due_at <= self._database.clock.now + ATTEMPT:
            return None
        return self._outgoing(stored)

    async def let_go_of_fresh(self, mail_id: UUID) -> None:
        stored = self._database.tables.mails[mail_id]
        now = self._database.clock.now
        if stored.lease == mail_id and stored.due_at is not None and stored.due_at > now:
            stored.lease, stored.due_at = None, now

    async def claim_due(self, limit: int) -> Sequence[OutgoingMail]:
        now, lease = self._database.clock.now, uuid4()
        due = [
            (stored.due_at, stored)
            for stored in self._database.tables.mails.values()
            if stored.due_at is not None and stored.due_at <= now
        ]
        due.sort(key=lambda pair: pair[0], reverse=True)
        claimed = [stored for _, stored in due[:limit]]
        for stored in claimed:
            stored.maybe_sent |= stored.lease is not None
            stored.lease, stored.due_at = lease, now + LEASE
        return [self._outgoing(stored) for stored in claimed]

    async def accept(
        self,
        mail: OutgoingMail,
        provider: str,
        message_id: str | None,
        since_answer: Callable[[], timedelta],
    ) -> None:
        stored = self._database.tables.mails[mail.id]
        is_settled = stored.state in {MailState.FAILED, MailState.DROPPED}
        if stored.state is MailState.QUEUED or (is_settled and stored.maybe_sent and not stored.voided):
            stored.state, stored.accepted_at = MailState.ACCEPTED, self._database.clock.now - since_answer()
            stored.provider, stored.message_id, stored.reason = provider, message_id, None
            stored.attempts += 1
            stored.due_at = stored.lease = None

    async def retry(
        self, mail: OutgoingMail, after: timedelta, reason: str, *, maybe_sent_by: str | None = None
    ) -> None:
        if stored := self._held(mail):
            stored.due_at, stored.lease = self._database.clock.now + after, None
            stored.attempts += 1
            stored.reason = reason
            stored.maybe_sent |= maybe_sent_by is not None
            stored.provider = maybe_sent_by or stored.provider

    async def fail(self, mail: OutgoingMail, reason: str) -> None:
        if stored := self._held(mail):
            stored.voided = True
        self._settle(mail, MailState.FAILED, reason)

    async def give_up(self, mail: OutgoingMail, reason: str) -> None:
        self._settle(mail, MailState.FAILED, reason)

    async def drop(self, mail: OutgoingMail, reason: str) -> None:
        self._settle(mail, MailState.DROPPED, reason)

    async def give_back(self, mails: Sequence[OutgoingMail], after: timedelta = timedelta()) -> None:
        for mail in mails:
            if stored := self._held(mail):
                stored.due_at, stored.lease = self._database.clock.now + after, None

    async def fail_overdue(self, age: timedelta, limit: int) -> int:
        now = self._database.clock.now
        overdue = [
            stored
            for stored in self._database.tables.mails.values()
            if stored.due_at is not None and stored.due_at <= now and stored.created_at <= now - age
        ][:limit]
        for stored in overdue:
            stored.state, stored.reason = MailState.FAILED, stored.reason or "out of time"
            stored.maybe_sent |= stored.lease is not None
            stored.due_at = stored.lease = None
        return len(overdue)

    def _settle(self, mail: OutgoingMail, state: MailState, reason: str) -> None:
        if stored := self._held(mail):
            stored.state, stored.reason = state, reason
            stored.due_at = stored.lease = None

    def _held(self, mail: OutgoingMail) -> StoredMail | None:
        stored = self._database.tables.mails[mail.id]
        return stored if stored.state is MailState.QUEUED and stored.lease == mail.lease else None

    def _outgoing(self, stored: StoredMail) -> OutgoingMail:
        tables, new = self._database.tables, stored.new
        registration = tables.registrations.get(new.email)
        newer = any(
            other.new.credential_id == new.credential_id and other.created_at > stored.created_at
            for other in tables.mails.values()
        )
        holds = registration is not None and registration.credential_id == new.credential_id
        assert stored.lease is not None
        return OutgoingMail(
            id=new.id,
            kind=new.kind,
            email=new.email,
            credential_id=new.credential_id,
            code_key_id=new.code_key_id,
            language=new.language,
            template_version=1,
            request_id=None,
            trace_parent=None,
            age=self._database.clock.now - stored.created_at,
            attempts=stored.attempts,
            maybe_sent=stored.maybe_sent,
            provider=stored.provider,
            reason=stored.reason,
            is_wanted=holds
            and not stored.voided
            and not newer
            and (new.kind is not MailKind.ADDRESS_TAKEN or new.email in tables.users),
            lease=stored.lease,
        )
