from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from registration.authentication import Authenticator
from registration.domain.activation_code import superseded_by_a_new_code, voided_by_a_new_code
from registration.domain.email_address import EmailAddress
from registration.domain.errors import AlreadyActive, InvalidCredentials
from registration.domain.policy import Policy
from registration.domain.user import User
from registration.messaging.command_bus import Command
from registration.ports import CodeKeys, NewId, UnitOfWork, UnitsOfWork


@dataclass(frozen=True, slots=True)
class SendNewCode(Command[None]):
    """Make another code and mail it; the one that is in the mailbox goes on working for its own time.

    Raises InvalidCredentials, AlreadyActive, TooManyAttempts, RateLimited, Overloaded or Unavailable.
    """

    email: EmailAddress
    password: str = field(repr=False)
    client: str


@dataclass(frozen=True, slots=True)
class SendNewCodeHandler:
    units_of_work: UnitsOfWork
    authenticate: Authenticator
    code_keys: CodeKeys
    new_id: NewId
    policy: Policy

    async def __call__(self, command: SendNewCode) -> None:
        _, holder = await self.authenticate(command.email, command.password, command.client)
        if isinstance(holder, User):
            raise AlreadyActive
        step = partial(self._send, holder.credential_id, self.new_id())
        await self.units_of_work(command.email, command.client, step)

    async def _send(self, credential_id: UUID, mail_id: UUID, work: UnitOfWork) -> None:
        account = work.account
        registration = account.registration_of(credential_id)
        if registration is None:
            raise AlreadyActive if account.user_of(credential_id) else InvalidCredentials
        earlier = account.newest_first(registration)
        language = earlier[0].language if earlier else "en"
        mail, code_issued = registration.mail_code(mail_id, self.code_keys.current_code_key_id, language)
        work.record(code_issued)
        if any(known.id == mail_id for known in earlier):  # committed, and the answer was lost
            return
        guard = account.guard(self.policy)
        guard.refuse_locked()
        guard.refuse_mail()
        if superseded := superseded_by_a_new_code(earlier):
            await work.mails.supersede([old.id for old in superseded])
        if voided := voided_by_a_new_code(earlier, account.now, self.policy.code_ttl):
            await work.mails.void_codes([old.id for old in voided])
        await work.mails.add(mail)
