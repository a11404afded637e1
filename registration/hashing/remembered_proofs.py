import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable

from registration.domain.password import PasswordHash

SECONDS = 300.0
CAPACITY = 50_000
DIGEST_BYTES = 16


class RememberedProofs:
    """That a password was shown to fit a stored hash, a few minutes ago and in this process; so it fits still.

    Nothing is kept but a digest under a key that dies with the process, over both the stored hash and the password:
    a hash that any replica has replaced is not found, and a wrong password neither.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, capacity: int = CAPACITY) -> None:
        self._monotonic = monotonic
        self._capacity = capacity
        self._key = os.urandom(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def remember(self, password_hash: PasswordHash, prehashed: bytes) -> None:
        proof = self._digest(password_hash, prehashed)
        self._until[proof] = self._monotonic() + SECONDS
        self._until.move_to_end(proof)
        while len(self._until) > self._capacity or next(iter(self._until.values())) <= self._monotonic():
            self._until.popitem(last=False)

    def knows(self, password_hash: PasswordHash, prehashed: bytes) -> bool:
        until = self._until.get(self._digest(password_hash, prehashed))
        return until is not None and self._monotonic() < until

    def _digest(self, password_hash: PasswordHash, prehashed: bytes) -> bytes:
        return hmac.digest(self._key, password_hash.bcrypt.encode() + prehashed, "sha256")[:DIGEST_BYTES]
