"""How a journey is asked for: as our service has it, and as others do. Each is two requests, with a mail between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import encode_basic_auth


@dataclass(frozen=True, slots=True)
class Activation:
    """What the second request brings."""

    document: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialect:
    name: str
    register_path: str
    registered: int
    """The status of success, as `activated` is."""
    activate_path: str
    activated: int
    activation: Callable[[str, str, str], Activation]
    """Of an address, a password, and what the mail has brought."""


def _with_code(email: str, password: str, code: str) -> Activation:
    return Activation({"code": code}, {"Authorization": encode_basic_auth(email, password)})


def _with_token(_email: str, _password: str, token: str) -> Activation:
    return Activation({"token": token})


OURS = Dialect("ours", "/v1/users", 202, "/v1/users/activation", 200, _with_code)
FASTAPI_USERS = Dialect("fastapi-users", "/auth/register", 201, "/auth/verify", 200, _with_token)
DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (OURS, FASTAPI_USERS)}
