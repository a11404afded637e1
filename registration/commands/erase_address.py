from dataclasses import dataclass
from functools import partial
from uuid import UUID

from registration.commands.unlock_address import OPERATOR
from registration.domain.email_address import EmailAddress
from registration.domain.events import UserErased
from registration.messaging.command_bus import Command
from registration.ports import UnitOfWork, UnitsOfWork


@dataclass(frozen=True, slots=True)
class EraseAddress(Command[int]):
    """Remove an address's user and registration, whatever their passwords, but for what counts towards limits.

    For an operator. Returns how many there were. Raises Unavailable.
    """

    email: EmailAddress


@dataclass(frozen=True, slots=True)
class EraseAddressHandler:
    units_of_work: UnitsOfWork

    async def __call__(self, command: EraseAddress) -> int:
        erased: set[UUID] = set()
        await self.units_of_work(command.email, OPERATOR, partial(self._erase, erased))
        return len(erased)

    async def _erase(self, erased: set[UUID], work: UnitOfWork) -> None:
        """A try whose answer was lost has added to `erased`, so it is counted all the same."""
        for holder in (work.account.user, work.account.registration):
            if holder is not None:
                await work.accounts.erase(holder)
                work.record(UserErased(holder.credential_id))
                erased.add(holder.credential_id)
