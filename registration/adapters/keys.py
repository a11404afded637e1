"""The data keys: random, one purpose each, stored wrapped, in the clear only in this process."""

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
DIGEST_BYTES = 16
LOG_DIGEST_BYTES = 6


class Purpose(StrEnum):
    CODES = "codes"
    PASSWORDS = "passwords"
    ADDRESSES = "addresses"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is stored: useless without the secret key."""

    purpose: str
    generation: int
    wrapped_key: bytes = field(repr=False)


class DataKeyStore(Protocol):
    """Where wrapped keys are kept."""

    async def all(self) -> Sequence[WrappedKey]: ...

    async def add(self, key: WrappedKey) -> None:
        """Store a new key, unless another process has just stored one of that generation: then its key stays."""

    async def rewrap(self, keys: Sequence[WrappedKey]) -> None:
        """Replace the wrappings of all the keys, or of none."""


class WrongSecretKeyError(Exception):
    """REGISTRATION_SECRET_KEY does not unlock the data keys of this database."""


class KeyRing:
    """Seals, digests and hands out keys by purpose. New things use a purpose's newest generation."""

    def __init__(self, store: DataKeyStore, secrets: Sequence[str]) -> None:
        """The first secret wraps, all of them unwrap."""
        self._store = store
        self._wrappers = [_wrapping_key(secret) for secret in secrets]
        self._keys: dict[str, dict[int, bytes]] = {}

    async def load(self) -> None:
        """Read the keys, and make the first of each purpose that has none. Raises WrongSecretKeyError, Unavailable."""
        await self.refresh()
        missing = [purpose for purpose in Purpose if purpose not in self._keys]
        for purpose in missing:
            await self._store.add(self._wrap(purpose, 1, os.urandom(KEY_BYTES)))
        if missing:
            await self.refresh()

    async def refresh(self) -> None:
        """Read the keys that are stored now."""
        keys: dict[str, dict[int, bytes]] = {}
        for wrapped in await self._store.all():
            keys.setdefault(wrapped.purpose, {})[wrapped.generation] = self._unwrap(wrapped)
        self._keys = keys

    async def rewrap(self) -> int:
        """Wrap every key with the first secret; return how many there are. Nothing that they protect changes."""
        wrapped = [
            self._wrap(purpose, generation, key)
            for purpose, generations in self._keys.items()
            for generation, key in generations.items()
        ]
        await self._store.rewrap(wrapped)
        return len(wrapped)

    async def renew(self) -> None:
        """Make new keys for codes and passwords, for when old ones may be known; old ones stay for what they made.

        The digests keep theirs, or every count would start anew.
        """
        for purpose in (Purpose.CODES, Purpose.PASSWORDS):
            await self._store.add(self._wrap(purpose, self._newest(purpose) + 1, os.urandom(KEY_BYTES)))
        await self.refresh()

    @property
    def current_code_key_id(self) -> int:
        return self._newest(Purpose.CODES)

    async def code_key(self, key_id: int) -> bytes:
        return await self._find(Purpose.CODES, key_id)

    @property
    def current_password_key_id(self) -> int:
        return self._newest(Purpose.PASSWORDS)

    def seal_password_hash(self, bcrypt_hash: str, email: str, credential_id: UUID) -> bytes:
        """Encrypt under the newest key, bound to whose it is: a copied row opens nothing elsewhere."""
        key = self._keys[Purpose.PASSWORDS][self.current_password_key_id]
        return _encrypt(key, bcrypt_hash.encode(), _owner(email, credential_id))

    async def open_password_hash(self, sealed: bytes, key_id: int, email: str, credential_id: UUID) -> str:
        key = await self._find(Purpose.PASSWORDS, key_id)
        return _decrypt(key, sealed, _owner(email, credential_id)).decode()

    def mailbox_digest(self, mailbox: str) -> bytes:
        return self._digest(Purpose.ADDRESSES, "mailbox", mailbox)

    def address_digest(self, email: str) -> bytes:
        return self._digest(Purpose.ADDRESSES, "address", email)

    def client_digest(self, client: str) -> bytes:
        return self._digest(Purpose.ADDRESSES, "client", client)

    def log_digest(self, email: str) -> str:
        """A short name for an address in the logs: the same each time, and telling nothing by itself."""
        return self._digest(Purpose.LOGS, "address", email)[:LOG_DIGEST_BYTES].hex()

    def client_log_digest(self, client: str) -> str:
        """The same for a client."""
        return self._digest(Purpose.LOGS, "client", client)[:LOG_DIGEST_BYTES].hex()

    def _digest(self, purpose: Purpose, kind: str, text: str) -> bytes:
        key = self._keys[purpose][self._newest(purpose)]
        return hmac.digest(key, f"{kind}:{text}".encode(), "sha256")[:DIGEST_BYTES]

    def _newest(self, purpose: Purpose) -> int:
        return max(self._keys[purpose])

    async def _find(self, purpose: Purpose, generation: int) -> bytes:
        if generation not in self._keys[purpose]:
            await self.refresh()  # another process has renewed the keys
        return self._keys[purpose][generation]

    def _wrap(self, purpose: str, generation: int, key: bytes) -> WrappedKey:
        bound_to = f"{purpose}:{generation}".encode()
        return WrappedKey(purpose, generation, _encrypt(self._wrappers[0], key, bound_to))

    def _unwrap(self, wrapped: WrappedKey) -> bytes:
        bound_to = f"{wrapped.purpose}:{wrapped.generation}".encode()
        for wrapper in self._wrappers:
            try:
                return _decrypt(wrapper, wrapped.wrapped_key, bound_to)
            except InvalidTag:
                continue
        raise WrongSecretKeyError(
            "REGISTRATION_SECRET_KEY does not unlock this database's data keys; list the former key behind the new one"
        )


def _wrapping_key(secret: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"registration/data-keys/v1").derive(secret.encode())


def _owner(email: str, credential_id: UUID) -> bytes:
    return credential_id.bytes + email.encode()


def _encrypt(key: bytes, plain: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def _decrypt(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
