from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from registration.authentication import Authenticator
from registration.domain.email_address import EmailAddress
from registration.domain.events import UserErased
from registration.messaging.command_bus import Command
from registration.ports import UnitOfWork, UnitsOfWork


@dataclass(frozen=True, slots=True)
class EraseUser(Command[None]):
    """Remove the user or the registration that the password belongs to, but for what counts towards limits.

    Raises RateLimited, InvalidCredentials, Overloaded or Unavailable.
    """

    email: EmailAddress
    password: str = field(repr=False)
    client: str


@dataclass(frozen=True, slots=True)
class EraseUserHandler:
    units_of_work: UnitsOfWork
    authenticate: Authenticator

    async def __call__(self, command: EraseUser) -> None:
        _, holder = await self.authenticate(command.email, command.password, command.client)
        step = partial(self._erase, holder.credential_id)
        await self.units_of_work(command.email, command.client, step)

    async def _erase(self, credential_id: UUID, work: UnitOfWork) -> None:
        holder = work.account.user_of(credential_id) or work.account.registration_of(credential_id)
        if holder is not None:  # else another request, or a try whose answer was lost, was first
            await work.accounts.erase(holder)
            work.record(UserErased(credential_id))
