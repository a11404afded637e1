import hmac
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from registration.authentication import Authenticator
from registration.domain.activation_code import derive_code, is_live
from registration.domain.email_address import EmailAddress
from registration.domain.errors import ExpiredCode, IncorrectCode, InvalidCredentials
from registration.domain.events import UserActivated
from registration.domain.mail import Mail
from registration.domain.policy import Policy
from registration.domain.user import User
from registration.messaging.command_bus import Command
from registration.ports import CodeKeys, NewId, RateLimiter, UnitOfWork, UnitsOfWork


@dataclass(frozen=True, slots=True)
class ActivateUser(Command[User]):
    """Make a registration an active user, with its password and a live code; with a user's password nothing changes.

    Returns the active user. Raises RateLimited, InvalidCredentials, TooManyAttempts, ExpiredCode, IncorrectCode,
    Overloaded or Unavailable.
    """

    email: EmailAddress
    password: str = field(repr=False)
    code: str = field(repr=False)
    client: str


@dataclass(frozen=True, slots=True)
class ActivateUserHandler:
    units_of_work: UnitsOfWork
    authenticate: Authenticator
    limiter: RateLimiter
    code_keys: CodeKeys
    new_id: NewId
    policy: Policy

    async def __call__(self, command: ActivateUser) -> User:
        await self.limiter.refuse_guesser(command.client)
        _, holder = await self.authenticate(command.email, command.password, command.client, urgent=True)
        if isinstance(holder, User):
            return holder
        step = partial(self._activate, holder.credential_id, command.code, self.new_id())
        outcome = await self.units_of_work(command.email, command.client, step)
        if isinstance(outcome, IncorrectCode):  # raised only here: the count that it tells of is committed
            await self.limiter.count_wrong_code(command.client)
            raise outcome
        return outcome

    async def _activate(
        self, credential_id: UUID, code: str, attempt_id: UUID, work: UnitOfWork
    ) -> User | IncorrectCode:
        account = work.account
        if user := account.user_of(credential_id):
            return user
        registration = account.registration_of(credential_id)
        if registration is None:
            raise InvalidCredentials
        codes = account.newest_first(registration)
        newest_id = codes[0].id
        guard = account.guard(self.policy)
        if guard.has_counted(attempt_id):  # committed, and the answer was lost
            return IncorrectCode(guard.attempts_left(newest_id))
        guard.refuse_guess(newest_id)
        live = [mail for mail in codes if is_live(mail, account.now, self.policy.code_ttl)]
        if not live:
            raise ExpiredCode
        mail = await self._mail_of(code, live)
        if mail is not None and not registration.is_decoy:
            since_acceptance = None if mail.accepted_at is None else account.now - mail.accepted_at
            work.record(UserActivated(credential_id, since_acceptance))
            return await work.accounts.activate(registration)
        await work.wrong_codes.add(attempt_id, newest_id)
        if guard.is_last_guess(newest_id):
            await work.mails.void_codes([mail.id for mail in live])
        return IncorrectCode(guard.attempts_left(newest_id) - 1)

    async def _mail_of(self, code: str, live: list[Mail]) -> Mail | None:
        """The newest that brought the code; no sooner found than not found."""
        found = None
        for mail in reversed(live):
            key = await self.code_keys.code_key(mail.code_key_id)
            right = derive_code(key, mail.id, mail.credential_id, self.policy.code_digits)
            found = mail if hmac.compare_digest(code, right) else found
        return found
