from dataclasses import dataclass
from functools import partial

from registration.caller import nobody_waits
from registration.domain.errors import Overloaded
from registration.domain.events import OutdatedHashMatched
from registration.domain.password import PasswordHash
from registration.ports import PasswordHasher, UnitOfWork, UnitsOfWork


@dataclass(frozen=True, slots=True)
class RenewPasswordHash:
    """Store a hash of today's cost under today's key: after the answer, so that nobody can time it."""

    units_of_work: UnitsOfWork
    hasher: PasswordHasher

    async def __call__(self, event: OutdatedHashMatched) -> None:
        try:
            with nobody_waits():
                password_hash = await self.hasher.hash(event.password)
        except Overloaded:
            return  # the next time the password is shown will do
        await self.units_of_work(event.email, "", partial(self._renew, event, password_hash))

    async def _renew(self, event: OutdatedHashMatched, password_hash: PasswordHash, work: UnitOfWork) -> None:
        """A user and a decoy keep the salt that they share, or checking both would cost two hashes."""
        user = work.account.user_of(event.credential_id)
        if user is not None and work.account.registration is None:
            await work.accounts.renew_hash(user, password_hash)
