from dataclasses import dataclass

from registration.domain.account import Account
from registration.domain.email_address import EmailAddress
from registration.domain.errors import InvalidCredentials
from registration.domain.events import OutdatedHashMatched
from registration.domain.registration import Registration
from registration.domain.user import User
from registration.ports import AccountReader, PasswordHasher, PublishEvent


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Finds whose password it is: the active user's, or that of the registration at the same address."""

    read_account: AccountReader
    hasher: PasswordHasher
    publish: PublishEvent

    async def __call__(
        self, email: EmailAddress, password: str, client: str, *, urgent: bool = False
    ) -> tuple[Account, Registration | User]:
        """Return what is known of the address, and who holds the password: in one hash's time, whatever is known.

        `urgent` is for whoever has a code that runs out. Raises InvalidCredentials, Overloaded or Unavailable.
        """
        account = await self.read_account(email, client)
        holders = [holder for holder in (account.user, account.registration) if holder is not None]
        hashes = [holder.password_hash for holder in holders]
        match = await self.hasher.check(password, hashes, urgent=urgent)
        if match is None:
            raise InvalidCredentials
        holder = holders[match]
        if isinstance(holder, Registration):
            self.hasher.remember(password, holder.password_hash)
        if self.hasher.is_outdated(holder.password_hash):
            self.publish(OutdatedHashMatched(email, holder.credential_id, password))
        return account, holder
