"""What a database may have against us that no retry mends, in words for whoever runs the service."""

import ssl
from collections.abc import Mapping
from datetime import timedelta

from registration.domain.errors import Unavailable

RETRY_AFTER = timedelta(seconds=2)

_WRONG_CREDENTIALS = (
    "The database refuses the user or the password in REGISTRATION_DATABASE_URL, or lets nobody in without TLS "
    "(ssl_ca)."
)
_MISSING_RIGHT = (
    "The database's user lacks a right: it needs SELECT, INSERT, UPDATE and DELETE, for `migrate` also CREATE, ALTER, "
    "DROP and INDEX."
)
_WRONG_CERTIFICATE = (
    "The database's certificate is not trusted: it is not from the authority in ssl_ca of REGISTRATION_DATABASE_URL, "
    "is of another host, or has run out."
)

_REASONS: Mapping[int, str] = {
    1044: "The database's user may not use the database that REGISTRATION_DATABASE_URL names.",
    1045: _WRONG_CREDENTIALS,
    1049: "The server has no database of the name in REGISTRATION_DATABASE_URL.",
    1129: "The database server has blocked this host: see `host_cache` or `FLUSH HOSTS` there.",
    1130: "The database server takes no connections from this host.",
    1142: _MISSING_RIGHT,
    1143: _MISSING_RIGHT,
    1698: _WRONG_CREDENTIALS,
    2012: "What answers at the address in REGISTRATION_DATABASE_URL is neither MariaDB nor MySQL.",
    2026: "The database server offers no TLS, but ssl_ca in REGISTRATION_DATABASE_URL asks for it.",
    2059: "The database wants the password in the clear, or in a way that is not known here: ssl_ca in "
    "REGISTRATION_DATABASE_URL makes it TLS.",
    3159: "The database server wants TLS: name its authority by ssl_ca in REGISTRATION_DATABASE_URL.",
}
"""By the driver's and the servers' numbers."""


class AccessRefused(Unavailable):
    """The database will not have us until an operator has changed something. `reason` says what, in one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(RETRY_AFTER)
        self.reason = reason


def refusal_of(error: Exception) -> AccessRefused | None:
    """The refusal that the driver's error means; None for any other error."""
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return AccessRefused(_WRONG_CERTIFICATE)
    reason = _REASONS.get(error.args[0]) if error.args else None
    return AccessRefused(reason) if reason else None


def describe(error: BaseException) -> str:
    """Kinds and number only, as in `OperationalError 2003 (ConnectionRefusedError)`: the text can quote values."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else ""
    has_cause = error.__cause__ and not isinstance(
        error, TimeoutError
    )  # of one that is always a cancellation
    cause = f"({type(error.__cause__).__name__})" if has_cause else ""
    return " ".join(filter(None, [type(error).__name__, str(number), cause]))
