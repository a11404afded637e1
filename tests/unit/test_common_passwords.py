import subprocess
import sys

import pytest

from registration.adapters.common_passwords import is_common_password
from registration.domain.email_address import EmailAddress
from registration.domain.errors import UnacceptablePassword
from registration.domain.password import check_acceptable

ANN = EmailAddress("ann@example.org")


@pytest.mark.parametrize(
    "password",
    ["password", "12345678", "Password1", "QWERTYUIOP", "ｐａｓｓｗｏｒｄ", "Iloveyou", "𝓹𝓪𝓼𝓼𝔀𝓸𝓻𝓭"],
)
def test_a_common_one_is_refused_in_every_case_and_width(password: str) -> None:
    with pytest.raises(UnacceptablePassword) as refusal:
        check_acceptable(password, ANN, 8, is_common_password)
    assert refusal.value.reasons == ("too-common",)


@pytest.mark.parametrize("password", ["geekbo", "eekboy", "geekboy\n", "", "geekboy geekboy", "gëekboy"])
def test_only_a_whole_one_is_common(password: str) -> None:
    assert not is_common_password(password)


def test_the_list_is_read_whole_at_import_and_takes_less_than_half_a_megabyte() -> None:
    """In a process of its own, where nothing else has read it before."""
    program = """
import importlib.metadata, runpy, sys, tracemalloc
tracemalloc.start()
from registration.adapters import common_passwords
held, _ = tracemalloc.get_traced_memory()
def read(*_): raise AssertionError("a request reads the list")
common_passwords._read_list = runpy.run_path = read
assert common_passwords.is_common_password("123456"), "the first of them"
assert common_passwords.is_common_password("geekboy"), "the last"
print(held, [name for name in sys.modules if "zxcvbn" in name])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    held, modules = done.stdout.strip().split(" ", 1)
    assert int(held) < 500_000
    assert modules == "[]"
