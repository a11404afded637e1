from dataclasses import dataclass

from registration.domain.email_address import EmailAddress
from registration.messaging.command_bus import Command
from registration.ports import UnitOfWork, UnitsOfWork

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class UnlockAddress(Command[int]):
    """Forget the wrong codes that were shown for an address: an operator's word, the only thing that ends a year's lock.

    Returns how many there were. Raises Unavailable.
    """

    email: EmailAddress


@dataclass(frozen=True, slots=True)
class UnlockAddressHandler:
    units_of_work: UnitsOfWork

    async def __call__(self, command: UnlockAddress) -> int:
        return await self.units_of_work(command.email, OPERATOR, self._unlock)

    async def _unlock(self, work: UnitOfWork) -> int:
        forgotten = len(work.account.wrong_codes)
        await work.wrong_codes.forget()
        return forgotten
