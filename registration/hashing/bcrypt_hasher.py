import base64
import hmac
from collections.abc import Sequence

import bcrypt

from registration.domain.password import PasswordHash, normalise
from registration.hashing.gate import HashingGate

PREHASH_KEY = b"registration/password/v1"


class BcryptHasher:
    """bcrypt over a digest of the whole password; a PasswordHasher."""

    def __init__(self, cost: int, gate: HashingGate) -> None:
        self._cost = cost
        self._gate = gate

    async def hash(self, password: str, *, like: PasswordHash | None = None) -> PasswordHash:
        salt = like.salt.encode() if like else bcrypt.gensalt(self._cost)
        digest = prehash(password)

        def work() -> str:
            hashed = bcrypt.hashpw(digest, salt).decode()
            self._top_up(int(salt[4:6]))
            return hashed

        return PasswordHash(await self._gate.run(work))

    async def check(self, password: str, hashes: Sequence[PasswordHash]) -> int | None:
        digest = prehash(password)
        salts = list(dict.fromkeys(known.salt.encode() for known in hashes))

        def work() -> list[str]:
            if not salts:
                self._spend(self._cost)
                return []
            computed = [bcrypt.hashpw(digest, salt).decode() for salt in salts]
            self._top_up(int(salts[0][4:6]))
            return computed

        computed = await self._gate.run(work)
        matches = [
            any(hmac.compare_digest(known.bcrypt, candidate) for candidate in computed) for known in hashes
        ]
        return matches.index(True) if any(matches) else None

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
