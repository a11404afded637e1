from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registration.domain.activation_code import of_credential
from registration.domain.address_guard import AddressGuard, WrongCode
from registration.domain.email_address import EmailAddress
from registration.domain.mail import Mail
from registration.domain.policy import JOIN_WINDOW, Policy
from registration.domain.registration import Registration
from registration.domain.user import User


@dataclass(frozen=True, slots=True)
class Account:
    """All that is known of one address at one instant.

    `mails` are those of the whole mailbox (addresses that differ in a `+tag` share it), of the last 24 hours and
    of the registration. `wrong_codes` are the address's own.
    """

    email: EmailAddress
    now: datetime
    user: User | None
    registration: Registration | None
    mails: Sequence[Mail]
    wrong_codes: Sequence[WrongCode]

    def guard(self, policy: Policy) -> AddressGuard:
        return AddressGuard(policy, self.now, self.mails, self.wrong_codes)

    def user_of(self, credential_id: UUID) -> User | None:
        return self.user if self.user is not None and self.user.credential_id == credential_id else None

    def registration_of(self, credential_id: UUID) -> Registration | None:
        known = self.registration
        return known if known is not None and known.credential_id == credential_id else None

    def newest_first(self, registration: Registration) -> list[Mail]:
        """The mails that carry the registration's codes, newest first."""
        return of_credential(self.mails, registration.credential_id)

    def was_just_registered(self) -> bool:
        """Whether a registration was accepted so recently that another joins it."""
        accepted = [known.registered_at for known in (self.user, self.registration) if known is not None]
        # Or a moment after `now`: a node of a cluster reads the clock, then waits for what others have committed.
        return any(abs(self.now - at) < JOIN_WINDOW for at in accepted)
