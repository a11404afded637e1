import re
from dataclasses import dataclass
from email.header import Header

from registration.address_syntax import InvalidEmailAddress, parse_email_address
from registration.domain.email_address import EmailAddress

_SPECIALS = frozenset('()<>[]:;@\\,."')
"""What a name may only contain in quotes (RFC 5322, 3.2.3)."""

_LONGEST_ENCODED_WORD = 75

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

    @property
    def mailbox(self) -> str:
        """`Name <address>` as RFC 5322 wants it: in quotes where needed; letters beyond ASCII as they are (RFC 6532)."""
        if not self.name:
            return self.address.text
        name = self.name
        if self._name_has_specials:
            name = '"{}"'.format(re.sub(r'(["\\])', r"\\\1", name))
        return f"{name} <{self.address}>"

    @property
    def ascii_mailbox(self) -> str:
        """The same with a name in ASCII, for those who put it into a header without encoding it."""
        return self.mailbox if self.name.isascii() else f"{self.encoded_name} <{self.address}>"

    @property
    def encoded_name(self) -> str:
        """The name as encoded words (RFC 2047)."""
        return Header(self.name, "utf-8").encode(linesep="", maxlinelen=_LONGEST_ENCODED_WORD)

    @property
    def name_is_often_garbled(self) -> bool:
        """Letters beyond ASCII beside a comma or the like: what some providers' own encoding gets wrong."""
        return self._name_has_specials and not self.name.isascii()

    @property
    def _name_has_specials(self) -> bool:
        return not _SPECIALS.isdisjoint(self.name)


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
