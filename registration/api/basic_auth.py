"""HTTP Basic credentials (RFC 7617) in UTF-8. FastAPI's own HTTPBasic reads them as ASCII."""

from base64 import b64decode
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from registration.address_syntax import parse_email_address
from registration.domain.email_address import EmailAddress
from registration.domain.errors import InvalidCredentials
from registration.domain.password import has_forbidden_characters

CHALLENGE = 'Basic realm="registration", charset="UTF-8"'


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    email: EmailAddress
    password: str = field(repr=False)


def credentials_of(request: HTTPConnection) -> BasicCredentials:
    """The address, in any case, and the password that the request shows.

    Raises InvalidCredentials if there are none, or they are malformed, or the address cannot be anybody's. To be
    called by the route rather than as a dependency: what is wrong with the body is said before a 401.
    """
    try:
        (header,) = request.headers.getlist("authorization")
        return _parse(header)
    except ValueError as error:
        raise InvalidCredentials from error


def _parse(header: str) -> BasicCredentials:
    """Raise ValueError, as base64, UTF-8 and the address do."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "basic":
        raise ValueError("another scheme than Basic")
    user_id, colon, password = b64decode(token.strip(" "), validate=True).decode("utf-8").partition(":")
    if not colon or has_forbidden_characters(password):
        raise ValueError("not a user-id and a password, separated by a colon, without control characters")
    return BasicCredentials(parse_email_address(user_id), password)
