from functools import cache


def is_common_password(lowered: str) -> bool:
    """Whether a lower-case password is among the 30 000 most used ones, as the zxcvbn package lists them."""
    return lowered in _common_passwords()


@cache
def _common_passwords() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - a megabyte that only registering needs

    return frozenset(FREQUENCY_LISTS["passwords"])
