import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from registration.domain.email_address import EmailAddress
from registration.domain.errors import UnacceptablePassword

MAX_LENGTH = 256
LONGEST_SPELLING = 4 * MAX_LENGTH
"""No character of NFKC is spelled with more than four (UAX 15, 9)."""


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A bcrypt string, and whether the key that it is stored under is no longer the newest one."""

    bcrypt: str = field(repr=False)
    key_is_old: bool = False

    @property
    def cost(self) -> int:
        """The base-2 logarithm of the rounds."""
        return int(self.bcrypt[4:6])

    @property
    def salt(self) -> str:
        """Algorithm, cost and salt: what bcrypt needs to compute a comparable hash."""
        return self.bcrypt[:29]


def normalise(password: str) -> str:
    """NFKC, so that one password is the same on every keyboard.

    As NIST SP 800-63B-3 (5.1.1.2) had it. SP 800-63B-4 (3.1.1.2) asks for NFC only, by which full-width letters and
    ligatures are not their plain ones.

    What is too long in any spelling is left as it is: to sort the accents of 16 KiB takes a tenth of a second.
    """
    if len(password) > LONGEST_SPELLING:
        return password
    return unicodedata.normalize("NFKC", password)


def has_forbidden_characters(password: str) -> bool:
    """Whether control characters or lone surrogates are in it, which no form field should let through."""
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in password)


def check_acceptable(
    password: str, email: EmailAddress, min_length: int, is_common: Callable[[str], bool]
) -> None:
    """Refuse a password that is too easily guessed: length, common ones, the address itself; no composition rules.

    `is_common` is asked for the normalised password in lower case. Raises UnacceptablePassword with every reason.
    """
    reasons = list(_faults(normalise(password), email, min_length, is_common))
    if reasons:
        raise UnacceptablePassword(reasons)


def _faults(
    password: str, email: EmailAddress, min_length: int, is_common: Callable[[str], bool]
) -> Iterator[str]:
    if len(password) < min_length:
        yield "too-short"
    if len(password) > MAX_LENGTH:
        yield "too-long"
    if is_common(password.lower()):
        yield "too-common"
    folded = _fold(password)
    if any(_fold(spelling) in folded for spelling in _spellings(email)):
        yield "contains-email"


def _fold(text: str) -> str:
    """One form of all cases, for comparing only: in lower case `ß` is still not the `SS` that it is in capitals."""
    return normalise(normalise(text).casefold())


def _spellings(email: EmailAddress) -> Iterator[str]:
    """The address as it is kept, and as people write it whose domain has other letters than ASCII's."""
    yield email.text
    local, _, domain = email.text.rpartition("@")
    yield f"{local}@{'.'.join(map(_in_its_own_letters, domain.split('.')))}"


def _in_its_own_letters(label: str) -> str:
    """Without the checks of Python's `idna`, which knows IDNA 2003 only: there `ß` is no letter of a domain."""
    if not label.startswith("xn--"):
        return label
    return label.removeprefix("xn--").encode().decode("punycode")
