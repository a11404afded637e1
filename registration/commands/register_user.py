from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

from registration.domain.account import Account
from registration.domain.email_address import EmailAddress
from registration.domain.errors import Unavailable
from registration.domain.events import UserRegistered
from registration.domain.password import PasswordHash, check_acceptable
from registration.domain.policy import Policy
from registration.domain.registration import Registration
from registration.messaging.command_bus import Command
from registration.ports import (
    AccountReader,
    CodeKeys,
    NewId,
    PasswordHasher,
    RateLimiter,
    UnitOfWork,
    UnitsOfWork,
)

MAX_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class RegisterUser(Command[None]):
    """Make a pending registration and mail its code; for a taken address a decoy and a notice to the owner.

    Nothing in the answer tells which. Raises UnacceptablePassword, TooManyAttempts, RateLimited, Overloaded or
    Unavailable.
    """

    email: EmailAddress
    password: str = field(repr=False)
    client: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class RegisterUserHandler:
    units_of_work: UnitsOfWork
    read_account: AccountReader
    hasher: PasswordHasher
    limiter: RateLimiter
    code_keys: CodeKeys
    new_id: NewId
    is_common_password: Callable[[str], bool]
    policy: Policy

    async def __call__(self, command: RegisterUser) -> None:
        check_acceptable(
            command.password, command.email, self.policy.password_min_length, self.is_common_password
        )
        await self.limiter.count_registration(command.client)
        self.hasher.admit()
        credential_id, mail_id = self.new_id(), self.new_id()
        for _ in range(MAX_ROUNDS):
            account = await self.read_account(command.email, command.client)
            if self._joins_another(account):
                return
            password_hash = await self.hasher.hash(command.password, like=self._hash_to_match(account))
            step = partial(self._register, command, password_hash, credential_id, mail_id)
            if await self.units_of_work(command.email, command.client, step):
                await self.limiter.count_right_password(command.client, credential_id)
                return
        raise Unavailable(retry_after=timedelta(seconds=1))

    def _joins_another(self, account: Account) -> bool:
        """Whether one was accepted just now, so that nothing changes; a refusal is raised before a hash is spent."""
        guard = account.guard(self.policy)
        guard.refuse_locked()
        if account.was_just_registered():
            return True
        guard.refuse_mail()
        return False

    def _hash_to_match(self, account: Account) -> PasswordHash | None:
        """The hash whose salt the new one shares, so that one computation goes on checking all at the address.

        Always a user's; a registration's too, for it may be activated while the new password is hashed.
        """
        if account.user is not None:
            return account.user.password_hash
        registration = account.registration
        if registration is None or self.hasher.is_outdated(registration.password_hash):
            return None
        return registration.password_hash

    async def _register(
        self,
        command: RegisterUser,
        password_hash: PasswordHash,
        credential_id: UUID,
        mail_id: UUID,
        work: UnitOfWork,
    ) -> bool:
        """Return False if the password must be hashed anew, as a user with another salt has come in between."""
        account = work.account
        already_committed = any(mail.id == mail_id for mail in account.mails)
        if not already_committed:
            if self._joins_another(account):
                return True
            if account.user is not None and account.user.password_hash.salt != password_hash.salt:
                return False
        registration = Registration(
            command.email,
            credential_id,
            password_hash,
            is_decoy=account.user is not None,
            registered_at=account.now,
        )
        mail, code_issued = registration.mail_code(
            mail_id, self.code_keys.current_code_key_id, command.language
        )
        if not already_committed:
            await work.accounts.put_registration(registration)
            await work.mails.add(mail)
        if not registration.is_decoy:
            work.record(UserRegistered(credential_id))
        work.record(code_issued)
        return True
