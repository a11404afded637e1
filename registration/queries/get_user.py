from dataclasses import dataclass, field
from datetime import datetime

from registration.authentication import Authenticator
from registration.domain.account import Account
from registration.domain.activation_code import expires_at
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailState
from registration.domain.policy import Policy
from registration.domain.registration import Registration
from registration.domain.user import User
from registration.messaging.command_bus import Query


@dataclass(frozen=True, slots=True)
class PendingActivation:
    """Where the newest code's mail is, how long the code works, and when another may be asked for.

    `code_expires_at` is None until the mail is accepted, and once wrong codes have made the code void.
    """

    mail: MailState
    code_expires_at: datetime | None
    new_code_at: datetime


@dataclass(frozen=True, slots=True)
class PendingUser:
    """A registration as its owner sees it."""

    email: EmailAddress
    registered_at: datetime
    activation: PendingActivation


@dataclass(frozen=True, slots=True)
class GetUser(Query[User | PendingUser]):
    """The user, or the registration, that the password belongs to.

    Raises RateLimited, InvalidCredentials, Overloaded or Unavailable.
    """

    email: EmailAddress
    password: str = field(repr=False)
    client: str


@dataclass(frozen=True, slots=True)
class GetUserHandler:
    authenticate: Authenticator
    policy: Policy

    async def __call__(self, query: GetUser) -> User | PendingUser:
        account, holder = await self.authenticate(query.email, query.password, query.client)
        if isinstance(holder, User):
            return holder
        return PendingUser(holder.email, holder.registered_at, self._activation(account, holder))

    def _activation(self, account: Account, registration: Registration) -> PendingActivation:
        newest = account.newest_first(registration)[0]
        return PendingActivation(
            mail=MailState.FAILED if newest.state is MailState.DROPPED else newest.state,
            code_expires_at=None if newest.voided else expires_at(newest, self.policy.code_ttl),
            new_code_at=account.guard(self.policy).new_code_at(),
        )
