from registration.domain.password import PasswordHash
from registration.hashing.remembered_proofs import SECONDS, RememberedProofs

ONE = PasswordHash("$2b$12$" + "a" * 53)
TWO = PasswordHash("$2b$12$" + "b" * 53)


def test_a_proof_is_for_one_hash_and_one_password() -> None:
    proofs = RememberedProofs()
    proofs.remember(ONE, b"password")
    assert proofs.knows(ONE, b"password")
    assert not proofs.knows(TWO, b"password")
    assert not proofs.knows(ONE, b"another")


def test_a_proof_is_forgotten_in_time() -> None:
    now = [0.0]
    proofs = RememberedProofs(lambda: now[0])
    proofs.remember(ONE, b"password")
    now[0] = SECONDS
    assert not proofs.knows(ONE, b"password")


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    proofs = RememberedProofs(capacity=3)
    for number in range(5):
        proofs.remember(ONE, f"{number}".encode())
    assert [proofs.knows(ONE, f"{number}".encode()) for number in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_what_has_run_out_is_not_kept() -> None:
    now = [0.0]
    proofs = RememberedProofs(lambda: now[0])
    for number in range(10):
        proofs.remember(ONE, f"{number}".encode())
    now[0] = SECONDS + 1
    proofs.remember(TWO, b"fresh")
    assert len(proofs._until) == 1


def test_nothing_of_the_password_is_kept() -> None:
    proofs = RememberedProofs()
    proofs.remember(ONE, b"the password")
    assert "password" not in repr(proofs._until)
