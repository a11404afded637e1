"""What a provider is to us: what it is sent, what it answers, and what the answer means. Nothing here does I/O."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from urllib.parse import urlencode

from registration.ports import Message, Outcome

LONGEST_IDENTIFIER = 255


class Signer(Protocol):
    def __call__(self, request: "ProviderRequest", now: datetime) -> Mapping[str, str]:
        """The headers that prove, for some minutes from then on, who sends exactly this."""


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """A POST, complete to the byte: an idempotency key protects, and a signature fits, only the same bytes.

    Neither the headers nor the body are shown: the key is in the ones, the code in the other.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    signer: Signer | None = field(default=None, repr=False)

    @classmethod
    def with_json(
        cls, url: str, headers: Mapping[str, str], document: object, signer: Signer | None = None
    ) -> "ProviderRequest":
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {**headers, "Content-Type": "application/json", "Accept": "application/json"}
        return cls(url, headers, body, signer)

    @classmethod
    def with_form(cls, url: str, headers: Mapping[str, str], fields: Mapping[str, str]) -> "ProviderRequest":
        body = urlencode(fields).encode()
        content_type = "application/x-www-form-urlencoded"
        return cls(url, {**headers, "Content-Type": content_type, "Accept": "application/json"}, body)

    def at(self, now: datetime) -> "ProviderRequest":
        """What goes out at that time: the request itself, signed where the provider asks for it."""
        if self.signer is None:
            return self
        return replace(self, headers={**self.headers, **self.signer(self, now)}, signer=None)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A GET that changes nothing and sends no mail. `shows_key`: who has no good key is answered 401 or 403."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    shows_key: bool = False


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What came back. The text may be anything: empty, cut at a limit, a proxy's HTML."""

    status: int
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""
    text: str = field(default="", repr=False)
    document: object = field(default=None, repr=False)
    """The text as JSON, where it says that it is and is."""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 the class of status codes

    def member(self, name: str) -> object:
        """A member of the JSON object; None where there is no such thing."""
        return self.document.get(name) if isinstance(self.document, dict) else None

    def text_member(self, name: str) -> str:
        """A member that is text; empty where there is no such thing."""
        value = self.member(name)
        return value if isinstance(value, str) else ""

    def number_member(self, name: str) -> int | None:
        """A member that is a whole number; None where there is no such thing."""
        value = self.member(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def identifier(self, name: str) -> str | None:
        """A member fit to be kept as the message's id."""
        value = self.member(name)
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        return text if 0 < len(text) <= LONGEST_IDENTIFIER and text.isascii() and text.isprintable() else None


class Provider(Protocol):
    """A mail provider's HTTP API as a pair of pure functions."""

    @property
    def name(self) -> str: ...

    @property
    def recognises_repetitions(self) -> bool:
        """Whether a second request with the same message here does not become a second mail."""

    def inquiry(self) -> Inquiry:
        """What to ask to see whether the provider is there. Without the key, where the answer would not tell of it."""

    def request(self, message: Message) -> ProviderRequest:
        """What to send, the same for the same message."""

    def outcome(self, answer: ProviderAnswer) -> Outcome:
        """What the answer means. Raises for none, however odd."""


def basic_auth(credentials: str) -> str:
    """The value of `Authorization` for `user:password` (RFC 7617)."""
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def mail_headers(message: Message) -> dict[str, str]:
    """The headers that every mail carries where a provider lets us set some. ASCII only."""
    headers = {"X-Mail-ID": str(message.id), "Auto-Submitted": "auto-generated"}
    if message.request_id is not None:
        headers["X-Request-ID"] = message.request_id
    return headers


def mail_metadata(message: Message) -> dict[str, str]:
    """What a provider is asked to repeat in its events, so that they can be told to be about this mail. ASCII only."""
    metadata = {"mail_id": str(message.id)}
    if message.request_id is not None:
        metadata["request_id"] = message.request_id
    return metadata


def mail_labels(message: Message) -> dict[str, str]:
    """The same and the kind, for providers whose labels hold nothing but letters, digits, `_` and `-`."""
    labels = {"category": message.kind.value, **mail_metadata(message)}
    return {name: re.sub(r"[^A-Za-z0-9_-]", "_", value) for name, value in labels.items()}
