import runpy
from importlib.metadata import distribution


def is_common_password(lowered: str) -> bool:
    """Whether a lower-case password is among the 30 000 most used ones, as the zxcvbn package lists them."""
    return f"\n{lowered}\n" in _LINES


def _read_list() -> str:
    """Return the passwords, a line for each: a quarter of a megabyte, where a set of them would be four.

    Importing the package would keep all of its lists and code for good, another twelve.
    """
    module = distribution("zxcvbn").locate_file("zxcvbn/frequency_lists.py")
    passwords = runpy.run_path(str(module))["FREQUENCY_LISTS"]["passwords"]
    return "\n".join(["", *passwords, ""])


_LINES = _read_list()  # a hundredth of a second when the service starts: no request is to wait for it
