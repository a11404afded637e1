"""What is derived, digested, sealed and remembered for every journey, bcrypt's own time left out."""

import os
from collections.abc import Sequence
from uuid import UUID

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from registration.adapters.keys import KEY_BYTES, KeyRing, WrappedKey
from registration.domain.activation_code import derive_code
from registration.domain.password import PasswordHash
from registration.hashing.bcrypt_hasher import prehash
from registration.hashing.remembered_proofs import RememberedProofs

EMAIL = "ada.lovelace@example.org"
PASSWORD = "Crème brûlée: 3 €"  # noqa: S105 - an example
BCRYPT_HASH = "$2b$12$" + "." * 53
MAIL_ID, CREDENTIAL_ID = UUID(int=1), UUID(int=2)


class _Store:
    """A DataKeyStore in memory."""

    def __init__(self) -> None:
        self._keys: list[WrappedKey] = []

    async def all(self) -> Sequence[WrappedKey]:
        return self._keys

    async def add(self, key: WrappedKey) -> None:
        self._keys.append(key)

    async def rewrap(self, keys: Sequence[WrappedKey]) -> None:
        self._keys = list(keys)


@pytest.fixture
async def keys() -> KeyRing:
    ring = KeyRing(_Store(), ["a key that protects nothing but benchmarks"])
    await ring.load()
    return ring


def test_code_is_derived(benchmark: BenchmarkFixture) -> None:
    key = os.urandom(KEY_BYTES)

    assert len(benchmark(derive_code, key, MAIL_ID, CREDENTIAL_ID, 4)) == 4


def test_address_is_digested_for_the_log(benchmark: BenchmarkFixture, keys: KeyRing) -> None:
    assert len(benchmark(keys.log_digest, EMAIL)) == 12


def test_mailbox_is_digested(benchmark: BenchmarkFixture, keys: KeyRing) -> None:
    assert len(benchmark(keys.mailbox_digest, EMAIL)) == 16


def test_password_hash_is_sealed(benchmark: BenchmarkFixture, keys: KeyRing) -> None:
    assert len(benchmark(keys.seal_password_hash, BCRYPT_HASH, EMAIL, CREDENTIAL_ID)) == 88


def test_password_is_digested_before_bcrypt(benchmark: BenchmarkFixture) -> None:
    assert len(benchmark(prehash, PASSWORD)) == 64


def test_remembered_password_is_recognised(benchmark: BenchmarkFixture) -> None:
    proofs = RememberedProofs()
    for number in range(10_000):
        proofs.remember(PasswordHash(BCRYPT_HASH), prehash(f"password {number}"))
    digest = prehash("password 5000")

    assert benchmark(proofs.knows, PasswordHash(BCRYPT_HASH), digest)
