import re
from dataclasses import dataclass

from registration.address_syntax import InvalidEmailAddress, parse_email_address
from registration.domain.email_address import EmailAddress

_NAME_AND_ADDRESS = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>")


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom the mails are from."""

    name: str
    address: EmailAddress

    @property
    def display_name(self) -> str:
        """What a person would call the sender: the name, or the address's domain where there is none."""
        return self.name or self.address.text.rpartition("@")[2]


def parse_sender(text: str) -> Sender:
    """Read `Name <address>` or a bare address; a name with commas needs no quotes.

    Raises ValueError with a message that completes "MAIL_FROM …".
    """
    text = text.strip()
    if not text.isprintable():
        raise ValueError("contains control characters")
    parts = _NAME_AND_ADDRESS.fullmatch(text)
    name, address = (parts["name"], parts["address"]) if parts else ("", text)
    try:
        return Sender(_unquoted(name), parse_email_address(address.strip()))
    except InvalidEmailAddress as error:
        raise ValueError("is not of the form `Name <address>`") from error


def _unquoted(name: str) -> str:
    if len(name) > 1 and name[0] == name[-1] == '"':
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return name
