from collections.abc import AsyncIterator

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.domain.password import PasswordHash
from registration.hashing.bcrypt_hasher import BcryptHasher, prehash
from registration.hashing.gate import HashingGate

COST = 6


@pytest.fixture
async def gate() -> AsyncIterator[HashingGate]:
    gate = HashingGate(threads=2)
    yield gate
    gate.close()


@pytest.fixture
def hasher(gate: HashingGate) -> BcryptHasher:
    return BcryptHasher(COST, gate)


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rounds that each call of bcrypt costs."""
    spent: list[int] = []
    compute = bcrypt.hashpw

    def count(password: bytes, salt: bytes) -> bytes:
        spent.append(2 ** int(salt[4:6]))
        return compute(password, salt)

    monkeypatch.setattr(bcrypt, "hashpw", count)
    return spent


async def test_a_password_fits_its_own_hash_and_no_other(hasher: BcryptHasher) -> None:
    one, two = await hasher.hash("one password"), await hasher.hash("two passwords")
    assert await hasher.check("one password", [one]) == 0
    assert await hasher.check("one password", [two]) is None
    assert await hasher.check("one password", [two, one]) == 1


async def test_every_character_counts_past_the_72_bytes_that_bcrypt_reads(hasher: BcryptHasher) -> None:
    known = await hasher.hash("é" * 200 + "a")
    assert await hasher.check("é" * 200 + "b", [known]) is None
    assert await hasher.check("é" * 200 + "a", [known]) == 0


async def test_a_nul_does_not_end_the_password(hasher: BcryptHasher) -> None:
    known = await hasher.hash("before\0after")
    assert await hasher.check("before\0other", [known]) is None


async def test_one_password_typed_on_two_keyboards_is_one_password(hasher: BcryptHasher) -> None:
    known = await hasher.hash("cafe\u0301 \ufb01ve")
    assert await hasher.check("caf\u00e9 five", [known]) == 0


@given(st.text(alphabet=st.characters(), max_size=300))
def test_what_bcrypt_is_given_is_never_cut(password: str) -> None:
    assert len(prehash(password)) == 64
    assert b"\0" not in prehash(password)


class TestEveryCallCostsOneHashOfToday:
    async def test_hashing(self, hasher: BcryptHasher, rounds: list[int]) -> None:
        await hasher.hash("a password")
        assert sum(rounds) == 2**COST

    async def test_checking_one(self, hasher: BcryptHasher, rounds: list[int]) -> None:
        known = await hasher.hash("a password")
        rounds.clear()
        await hasher.check("another", [known])
        assert sum(rounds) == 2**COST

    async def test_checking_none(self, hasher: BcryptHasher, rounds: list[int]) -> None:
        await hasher.check("a password", [])
        assert sum(rounds) == 2**COST

    async def test_checking_a_user_and_a_decoy_that_share_a_salt(
        self, gate: HashingGate, hasher: BcryptHasher, rounds: list[int]
    ) -> None:
        user = await hasher.hash("the owner's")
        decoy = await BcryptHasher(COST, gate).hash("a stranger's", like=user)
        rounds.clear()
        assert await hasher.check("a stranger's", [user, decoy]) == 1
        assert sum(rounds) == 2**COST

    @pytest.mark.parametrize("old_cost", [4, 5])
    async def test_checking_a_hash_of_a_lower_cost(
        self, gate: HashingGate, hasher: BcryptHasher, rounds: list[int], old_cost: int
    ) -> None:
        known = await BcryptHasher(old_cost, gate).hash("a password")
        rounds.clear()
        assert await hasher.check("a password", [known]) == 0
        assert sum(rounds) == 2**COST

    async def test_hashing_like_one_of_a_lower_cost(
        self, gate: HashingGate, hasher: BcryptHasher, rounds: list[int]
    ) -> None:
        known = await BcryptHasher(4, gate).hash("a password")
        rounds.clear()
        assert (await hasher.hash("another", like=known)).salt == known.salt
        assert sum(rounds) == 2**COST


@pytest.mark.parametrize(
    "cost, key_is_old, outdated",
    [(COST, False, False), (COST - 1, False, True), (COST + 1, False, True), (COST, True, True)],
)
def test_a_hash_is_outdated_by_its_cost_or_its_key(
    hasher: BcryptHasher, *, cost: int, key_is_old: bool, outdated: bool
) -> None:
    known = PasswordHash(f"$2b${cost:02}$" + "s" * 53, key_is_old=key_is_old)
    assert hasher.is_outdated(known) is outdated


def test_nothing_of_a_hash_is_shown() -> None:
    assert "2b" not in repr(PasswordHash("$2b$12$" + "s" * 53))


class TestRememberedProof:
    async def test_the_first_check_after_hashing_costs_nothing(
        self, hasher: BcryptHasher, rounds: list[int]
    ) -> None:
        known = await hasher.hash("a password")
        rounds.clear()
        assert await hasher.check("a password", [known]) == 0
        assert rounds == []

    async def test_a_wrong_password_costs_a_hash_all_the_same(
        self, hasher: BcryptHasher, rounds: list[int]
    ) -> None:
        known = await hasher.hash("a password")
        rounds.clear()
        assert await hasher.check("another", [known]) is None
        assert sum(rounds) == 2**COST

    async def test_a_hash_that_was_replaced_is_checked_anew(
        self, hasher: BcryptHasher, rounds: list[int]
    ) -> None:
        await hasher.hash("a password")
        replaced = await hasher.hash("another password")
        rounds.clear()
        assert await hasher.check("a password", [replaced]) is None
        assert sum(rounds) == 2**COST

    async def test_what_was_remembered_by_another_process_is_not_known_here(
        self, gate: HashingGate, hasher: BcryptHasher, rounds: list[int]
    ) -> None:
        known = await BcryptHasher(COST, gate).hash("a password")
        rounds.clear()
        assert await hasher.check("a password", [known]) == 0
        assert sum(rounds) == 2**COST

    async def test_a_successful_check_that_is_remembered_saves_the_next(
        self, gate: HashingGate, hasher: BcryptHasher, rounds: list[int]
    ) -> None:
        known = await BcryptHasher(COST, gate).hash("a password")
        hasher.remember("a password", known)
        rounds.clear()
        assert await hasher.check("a password", [known]) == 0
        assert rounds == []
