"""Doubles of what guards: hashes that can be compared, keys that are known, limits that a test chooses."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from registration.domain.email_address import EmailAddress
from registration.domain.errors import Overloaded, RateLimited
from registration.domain.password import PasswordHash


class FakeHasher:
    """Hashes that can be compared and whose costs and salts can be seen; counts what bcrypt's time would be."""

    def __init__(self, cost: int = 12) -> None:
        self.cost = cost
        self.hashes_spent = 0
        self.is_overloaded = False
        self._salts = 0

    def admit(self) -> None:
        if self.is_overloaded:
            raise Overloaded(timedelta(seconds=2))

    async def hash(self, password: str, *, like: PasswordHash | None = None) -> PasswordHash:
        self.hashes_spent += 1
        if like is None:
            self._salts += 1
        salt = like.salt if like else f"$2b${self.cost:02}${self._salts:022}"
        return PasswordHash(salt + self._digest(password))

    async def check(
        self, password: str, hashes: Sequence[PasswordHash], *, urgent: bool = False
    ) -> int | None:
        if not urgent:
            self.admit()
        self.hashes_spent += 1
        for index, known in enumerate(hashes):
            if known.bcrypt == known.salt + self._digest(password):
                return index
        return None

    def remember(self, password: str, password_hash: PasswordHash) -> None:
        """A fake costs no time, so there is none to save."""

    def is_outdated(self, password_hash: PasswordHash) -> bool:
        return password_hash.cost != self.cost or password_hash.key_is_old

    def _digest(self, password: str) -> str:
        return hashlib.sha256(password.encode()).hexdigest()[:31]


class FakeCodeKeys:
    def __init__(self) -> None:
        self.keys = {1: b"the first code key"}

    @property
    def current_code_key_id(self) -> int:
        return max(self.keys)

    async def code_key(self, key_id: int) -> bytes:
        return self.keys[key_id]


@dataclass
class FakeRateLimiter:
    """Counts for ever; a test says where the limits are."""

    registrations: int = 10**9
    authentications: int = 10**9
    wrong_codes: int = 10**9
    wrong_passwords_per_client: int = 10
    wrong_passwords: int = 100
    counts: Counter[tuple[object, ...]] = field(default_factory=Counter)

    async def count_registration(self, client: str) -> None:
        self._refuse(self.registrations, "register", client)
        self.counts["register", client] += 1

    async def count_authentication(self, client: str) -> None:
        self._refuse(self.authentications, "auth", client)
        self.counts["auth", client] += 1

    async def refuse_guesser(self, client: str) -> None:
        self._refuse(self.wrong_codes, "wrong-codes", client)

    async def count_wrong_code(self, client: str) -> None:
        self.counts["wrong-codes", client] += 1

    async def refuse_password(self, email: EmailAddress, client: str, credential_ids: Sequence[UUID]) -> None:
        self._refuse(self.wrong_passwords_per_client, "password", email, client)
        if not any(self.counts["shown", client, credential_id] for credential_id in credential_ids):
            self._refuse(self.wrong_passwords, "password", email)

    async def count_wrong_password(self, email: EmailAddress, client: str) -> None:
        self.counts["password", email, client] += 1
        self.counts["password", email] += 1

    async def count_right_password(self, client: str, credential_id: UUID) -> None:
        self.counts["shown", client, credential_id] += 1

    def _refuse(self, limit: int, *what: object) -> None:
        if self.counts[what] >= limit:
            raise RateLimited(timedelta(minutes=1))
