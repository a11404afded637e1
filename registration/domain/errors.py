"""Refusals, each with a stable code that clients see.

Refusal
├── InvalidCredentials      invalid-credentials
├── AlreadyActive           already-active
├── IncorrectCode           incorrect-code
├── ExpiredCode             expired-code
├── TooManyAttempts         too-many-attempts
├── RateLimited             rate-limited
├── UnacceptablePassword    unacceptable-password
├── Overloaded              overloaded
└── Unavailable             unavailable

Every other exception is a fault of ours: `internal-error` to the caller, a traceback in the log.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar


class Refusal(Exception):
    """The request is refused; the docstring of each class is its default message."""

    code: ClassVar[str]

    def __init__(self) -> None:
        super().__init__((self.__doc__ or "").partition("\n")[0])


class RefusedForNow(Refusal):
    """The request may succeed later."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__()
        self.retry_after = retry_after


class InvalidCredentials(Refusal):
    """The address is unknown or the password is wrong."""

    code = "invalid-credentials"


class AlreadyActive(Refusal):
    """The user is active and needs no code."""

    code = "already-active"


class IncorrectCode(Refusal):
    """The code is not the one that was mailed."""

    code = "incorrect-code"

    def __init__(self, attempts_left: int) -> None:
        super().__init__()
        self.attempts_left = attempts_left


class ExpiredCode(Refusal):
    """No code works any more."""

    code = "expired-code"


class TooManyAttempts(RefusedForNow):
    """Too many wrong codes were shown for the address."""

    code = "too-many-attempts"


class RateLimited(RefusedForNow):
    """Too many requests for the address or from the client."""

    code = "rate-limited"


class UnacceptablePassword(Refusal):
    """The password breaks the password rules."""

    code = "unacceptable-password"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__()
        self.reasons = tuple(reasons)


class Overloaded(RefusedForNow):
    """Too many passwords are waiting to be hashed."""

    code = "overloaded"


class Unavailable(RefusedForNow):
    """The database does not answer."""

    code = "unavailable"
