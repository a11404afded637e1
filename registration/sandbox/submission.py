import re
from collections.abc import Mapping
from dataclasses import dataclass

from registration.address_syntax import InvalidEmailAddress, parse_email_address

RESTRICTED_HEADERS = frozenset(
    {"to", "from", "cc", "bcc", "reply-to", "date", "subject", "content-type", "mime-version"}
)

_CODE = re.compile(r"^[0-9]{4,8}$", re.MULTILINE)


class InvalidSubmission(ValueError):
    """The request is none that Mailpit would take; the message is for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Person:
    """One end of a mail."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Submission:
    """A mail as it was handed in."""

    sender: Person
    to: tuple[Person, ...]
    subject: str
    text: str
    html: str
    tags: tuple[str, ...]
    headers: Mapping[str, str]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    @property
    def code(self) -> str | None:
        """The code that the mail brings: digits alone on their line."""
        found = _CODE.search(self.text.replace("\r\n", "\n"))
        return found and found[0]


def parse_submission(document: object) -> Submission:
    """Read the JSON of `POST /api/v1/send`. Raises InvalidSubmission."""
    members = _object(document, "the body")
    to = tuple(_person(person, "To") for person in _list(members, "To"))
    if not to:
        raise InvalidSubmission("to, cc, or bcc must be set")
    for person in to:
        _check_address(person)
    return Submission(
        sender=_person(members.get("From"), "From"),
        to=to,
        subject=_text(members, "Subject"),
        text=_text(members, "Text"),
        html=_text(members, "HTML"),
        tags=tuple(_string(tag, "Tags") for tag in _list(members, "Tags")),
        headers=_headers(members),
    )


def _person(value: object, name: str) -> Person:
    members = _object(value, name)
    return Person(_text(members, "Name"), _text(members, "Email"))


def _check_address(person: Person) -> None:
    try:
        parse_email_address(person.address)
    except InvalidEmailAddress:
        raise InvalidSubmission(f"invalid To address: {person.address}") from None


def _headers(members: Mapping[str, object]) -> Mapping[str, str]:
    headers = _object(members.get("Headers") or {}, "Headers")
    for name in headers:
        if name.lower() in RESTRICTED_HEADERS:
            raise InvalidSubmission(f'cannot overwrite header: "{name}"')
    return {name: _string(value, "Headers") for name, value in headers.items()}


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InvalidSubmission(f"{name} must be an object")
    return value


def _list(members: Mapping[str, object], name: str) -> list[object]:
    value = members.get(name) or []
    if not isinstance(value, list):
        raise InvalidSubmission(f"{name} must be a list")
    return value


def _text(members: Mapping[str, object], name: str) -> str:
    return _string(members.get(name) or "", name)


def _string(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidSubmission(f"{name} must be text")
    return value
