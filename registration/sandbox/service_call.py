"""What the page may ask of the service, and nothing else."""

from dataclasses import dataclass, field

CALLS = (
    ("POST", "/v1/users"),
    ("POST", "/v1/users/activation"),
    ("POST", "/v1/users/activation-code"),
    ("GET", "/v1/users/me"),
    ("DELETE", "/v1/users/me"),
)
HEADERS = frozenset({"accept-language", "authorization", "content-type"})
LONGEST_BODY = 64 * 1024  # the service takes less, and says so itself


class InvalidCall(ValueError):
    """The page asks for something that it may not; the message says what."""


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """A request to the service, to be sent on as it is."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: str | None = field(repr=False)


def parse_service_call(document: object) -> ServiceCall:
    """Raise InvalidCall."""
    if not isinstance(document, dict):
        raise InvalidCall("the body must be an object")
    method, path = document.get("method"), document.get("path")
    headers, body = document.get("headers", {}), document.get("body")
    if (method, path) not in CALLS:
        raise InvalidCall("method and path must be one of the service's")
    if not isinstance(headers, dict) or not all(_is_header(*header) for header in headers.items()):
        raise InvalidCall(f"headers may be {', '.join(sorted(HEADERS))}, in one line each")
    if not isinstance(body, str | None) or len(body or "") > LONGEST_BODY:
        raise InvalidCall(f"body must be text of at most {LONGEST_BODY} characters")
    return ServiceCall(str(method), str(path), headers, body)


def _is_header(name: str, value: object) -> bool:
    return name.lower() in HEADERS and isinstance(value, str) and value.isprintable()
