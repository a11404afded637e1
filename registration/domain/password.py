import contextlib
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from registration.domain.email_address import EmailAddress
from registration.domain.errors import UnacceptablePassword

MAX_LENGTH = 256


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
    """NFKC, so that one password is the same on every keyboard (NIST SP 800-63B-4, 3.1.1.2)."""
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
    lowered = password.lower()
    if is_common(lowered):
        yield "too-common"
    if any(normalise(spelling).lower() in lowered for spelling in _spellings(email)):
        yield "contains-email"


def _spellings(email: EmailAddress) -> Iterator[str]:
    """The address as it is kept, and as people write it whose domain has other letters than ASCII's."""
    yield email.text
    local, _, domain = email.text.rpartition("@")
    with contextlib.suppress(UnicodeError):
        yield f"{local}@{domain.encode('ascii').decode('idna')}"
