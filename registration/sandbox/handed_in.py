"""The request with which a mail was handed in, as the page shows it: without its secrets."""

import re
from dataclasses import dataclass

from aiohttp import web

HIDDEN = "••••••••"

_SECRET = re.compile(r"auth|cookie|token|secret|password|signature|api-?key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """Keeps no secret: nothing in the sandbox could give it away."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    document: object
    """The JSON that was received. Shares its texts with the submission that was read from it."""

    @classmethod
    def of(cls, request: web.Request, document: object) -> "HandedIn":
        headers = tuple((name, _shown(name, value)) for name, value in request.headers.items())
        return cls(request.method, request.path, headers, document)

    def as_json(self) -> dict[str, object]:
        return {"method": self.method, "path": self.path, "headers": self.headers, "body": self.document}


def _shown(name: str, value: str) -> str:
    return HIDDEN if _SECRET.search(name) else value
