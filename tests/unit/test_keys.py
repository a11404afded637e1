from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidTag

from registration.adapters.keys import KeyRing, Purpose, WrappedKey, WrongSecretKeyError

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32


class KeysInMemory:
    """A DataKeyStore."""

    def __init__(self) -> None:
        self.keys: dict[tuple[str, int], WrappedKey] = {}

    async def all(self) -> Sequence[WrappedKey]:
        return list(self.keys.values())

    async def add(self, key: WrappedKey) -> None:
        self.keys.setdefault((key.purpose, key.generation), key)

    async def rewrap(self, keys: Sequence[WrappedKey]) -> None:
        self.keys |= {(key.purpose, key.generation): key for key in keys}


@pytest.fixture
def store() -> KeysInMemory:
    return KeysInMemory()


async def open_ring(store: KeysInMemory, *secrets: str) -> KeyRing:
    ring = KeyRing(store, secrets)
    await ring.load()
    return ring


async def test_the_first_start_makes_one_key_for_each_purpose(store: KeysInMemory) -> None:
    await open_ring(store, OLD)
    assert set(store.keys) == {(purpose, 1) for purpose in Purpose}


async def test_two_that_start_at_once_use_the_same_keys(store: KeysInMemory) -> None:
    one, two = await open_ring(store, OLD), await open_ring(store, OLD)
    assert await one.code_key(1) == await two.code_key(1)
    assert one.mailbox_digest("ann@example.org") == two.mailbox_digest("ann@example.org")


async def test_the_wrong_secret_opens_nothing_and_says_what_to_do(store: KeysInMemory) -> None:
    await open_ring(store, OLD)
    with pytest.raises(WrongSecretKeyError, match="list the former key behind the new one"):
        await open_ring(store, OTHER)


async def test_rotation_keeps_every_key_and_lets_the_old_secret_go(store: KeysInMemory) -> None:
    before = await open_ring(store, OLD)
    rotating = await open_ring(store, NEW, OLD)
    assert await rotating.rewrap() == len(Purpose)
    after = await open_ring(store, NEW)
    assert await after.code_key(1) == await before.code_key(1)
    assert after.address_digest("ann@example.org") == before.address_digest("ann@example.org")
    with pytest.raises(WrongSecretKeyError):
        await open_ring(store, OLD)


async def test_new_data_keys_are_for_codes_and_passwords_and_never_for_what_counts(
    store: KeysInMemory,
) -> None:
    ring = await open_ring(store, OLD)
    digest = ring.address_digest("ann@example.org")
    await ring.renew()
    assert ring.current_code_key_id == ring.current_password_key_id == 2
    assert ring.address_digest("ann@example.org") == digest


async def test_a_key_that_another_process_has_made_is_found(store: KeysInMemory) -> None:
    ring, other = await open_ring(store, OLD), await open_ring(store, OLD)
    await other.renew()
    assert await ring.code_key(2) == await other.code_key(2)


async def test_a_sealed_hash_opens_for_its_owner_only(store: KeysInMemory) -> None:
    ring, credential = await open_ring(store, OLD), uuid4()
    sealed = ring.seal_password_hash("$2b$…", "ann@example.org", credential)
    assert b"$2b$" not in sealed
    assert await ring.open_password_hash(sealed, 1, "ann@example.org", credential) == "$2b$…"
    for email, owner in (("bob@example.org", credential), ("ann@example.org", uuid4())):
        with pytest.raises(InvalidTag):
            await ring.open_password_hash(sealed, 1, email, owner)


async def test_digests_of_one_text_for_two_uses_differ(store: KeysInMemory) -> None:
    ring = await open_ring(store, OLD)
    digests = {ring.mailbox_digest("x"), ring.address_digest("x"), ring.client_digest("x")}
    assert len(digests) == 3
    assert ring.log_digest("x") != ring.client_log_digest("x")


@pytest.mark.parametrize("name", [KeyRing.log_digest, KeyRing.client_log_digest])
async def test_a_name_in_the_logs_is_short_and_the_same_for_who_has_the_keys_only(
    store: KeysInMemory, name: Callable[[KeyRing, str], str]
) -> None:
    first, again, other = [await open_ring(each, OLD) for each in (store, store, KeysInMemory())]
    assert len(name(first, "x")) == 12
    assert name(first, "x") == name(again, "x") != name(other, "x")


async def test_nothing_of_a_key_is_shown(store: KeysInMemory) -> None:
    await open_ring(store, OLD)
    [wrapped, *_] = await store.all()
    assert wrapped.wrapped_key.hex() not in repr(wrapped)
    assert repr(wrapped.wrapped_key) not in repr(wrapped)
