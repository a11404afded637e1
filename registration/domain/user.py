from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registration.domain.email_address import EmailAddress
from registration.domain.password import PasswordHash


@dataclass(frozen=True, slots=True)
class User:
    """An active user: somebody who showed both the password and the code that was mailed for it."""

    email: EmailAddress
    credential_id: UUID
    password_hash: PasswordHash
    registered_at: datetime
    activated_at: datetime
