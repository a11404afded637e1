import base64
import hmac
from collections.abc import Sequence

import bcrypt

from registration.domain.password import PasswordHash, normalise
from registration.hashing.gate import HashingGate
from registration.hashing.remembered_proofs import RememberedProofs

PREHASH_KEY = b"registration/password/v1"


class BcryptHasher:
    """bcrypt over a digest of the whole password; a PasswordHasher."""

    def __init__(self, cost: int, gate: HashingGate, proofs: RememberedProofs | None = None) -> None:
        self._cost = cost
        self._gate = gate
        self._proofs = proofs or RememberedProofs()

    def admit(self) -> None:
        self._gate.admit(urgent=False)

    async def hash(self, password: str, *, like: PasswordHash | None = None) -> PasswordHash:
        salt = like.salt.encode() if like else bcrypt.gensalt(self._cost)
        digest = prehash(password)

        def work() -> str:
            hashed = bcrypt.hashpw(digest, salt).decode()
            self._top_up(int(salt[4:6]))
            return hashed

        password_hash = PasswordHash(await self._gate.run(work))
        self._proofs.remember(password_hash, digest)
        return password_hash

    async def check(
        self, password: str, hashes: Sequence[PasswordHash], *, urgent: bool = False
    ) -> int | None:
        digest = prehash(password)
        remembered = [self._proofs.knows(known, digest) for known in hashes]
        if any(remembered):
            return remembered.index(True)
        salts = list(dict.fromkeys(known.salt.encode() for known in hashes))

        def work() -> list[str]:
            if not salts:
                self._spend(self._cost)
                return []
            computed = [bcrypt.hashpw(digest, salt).decode() for salt in salts]
            self._top_up(int(salts[0][4:6]))
            return computed

        computed = await self._gate.run(work, urgent=urgent)
        matches = [
            any(hmac.compare_digest(known.bcrypt, candidate) for candidate in computed) for known in hashes
        ]
        return matches.index(True) if any(matches) else None

    def remember(self, password: str, password_hash: PasswordHash) -> None:
        self._proofs.remember(password_hash, prehash(password))

    def is_outdated(self, password_hash: PasswordHash) -> bool:
        return password_hash.cost != self._cost or password_hash.key_is_old

    def _top_up(self, spent_cost: int) -> None:
        """Make a hash of a lower cost take as long as today's: c, c ... C-1 add up to C."""
        for cost in range(spent_cost, self._cost):
            self._spend(cost)

    def _spend(self, cost: int) -> None:
        bcrypt.hashpw(b"", bcrypt.gensalt(cost))


def prehash(password: str) -> bytes:
    """64 bytes that all of the password counts in: bcrypt itself reads 72 bytes and stops at a NUL.

    The key is a constant, so that the digest is of no use elsewhere (OWASP Password Storage, "password shucking").
    """
    digest = hmac.digest(PREHASH_KEY, normalise(password).encode("utf-8", "surrogatepass"), "sha384")
    return base64.b64encode(digest)
