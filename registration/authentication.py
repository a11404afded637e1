from dataclasses import dataclass

from registration.domain.account import Account
from registration.domain.email_address import EmailAddress
from registration.domain.errors import InvalidCredentials
from registration.domain.events import OutdatedHashMatched
from registration.domain.registration import Registration
from registration.domain.user import User
from registration.ports import AccountReader, PasswordHasher, PublishEvent, RateLimiter


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Finds whose password it is: the active user's, or that of the registration at the same address."""

    read_account: AccountReader
    hasher: PasswordHasher
    limiter: RateLimiter
    publish: PublishEvent

    async def __call__(
        self, email: EmailAddress, password: str, client: str, *, urgent: bool = False
    ) -> tuple[Account, Registration | User]:
        """Return what is known of the address, and who holds the password: in one hash's time, whatever is known.

        `urgent` is for whoever has a code that runs out. Raises RateLimited, InvalidCredentials,
        Overloaded or Unavailable.
        """
        await self.limiter.count_authentication(client)
        account = await self.read_account(email, client)
        holders = [holder for holder in (account.user, account.registration) if holder is not None]
        await self.limiter.refuse_password(email, client, [holder.credential_id for holder in holders])
        hashes = [holder.password_hash for holder in holders]
        match = await self.hasher.check(password, hashes, urgent=urgent)
        if match is None:
            await self.limiter.count_wrong_password(email, client)
            raise InvalidCredentials
        holder = holders[match]
        await self.limiter.count_right_password(client, holder.credential_id)
        if isinstance(holder, Registration):
            self.hasher.remember(password, holder.password_hash)
        # Beside a decoy a user's hash stays as it is, for they share its salt; so a decoy's is never renewed, and
        # neither is any registration's: or the work would tell whoever made it which of the two it is.
        elif len(holders) == 1 and self.hasher.is_outdated(holder.password_hash):
            self.publish(OutdatedHashMatched(email, holder.credential_id, password))
        return account, holder
