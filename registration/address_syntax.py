"""Addresses as people type them, made into their one normalised form at the edges (HTTP, command line)."""

import unicodedata

import email_validator
from email_validator import EmailNotValidError, validate_email

from registration.domain.email_address import EmailAddress

# Reserved names (`.test`, `.invalid`, `.local`, RFC 6761) are syntactically fine; whether mail arrives is not syntax.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


MAX_LOCAL_PART_OCTETS = 64
"""RFC 5321, 4.5.3.1.1; in UTF-8 by RFC 6531, 3.3."""

LONGEST_SPELLING = 4 * 254
"""Characters. An address has 254 octets, and no character of NFC is spelled with more than four (UAX 15, 9)."""

MESSAGE = "is not a valid e-mail address"


class InvalidEmailAddress(ValueError):
    """The text is no e-mail address; the message says why without repeating it."""


def parse_email_address(text: str) -> EmailAddress:
    """Return the address in NFC and lower case, its domain as IDNA 2008 A-labels (RFC 5891, mapped by UTS 46).

    Not case folding: `ß` is not `ss`. Syntax only, no look-up; quoted local parts and address literals are refused
    (RFC 5321 allows them, no mail provider does). Raises InvalidEmailAddress.
    """
    if len(text) > LONGEST_SPELLING:  # to sort the accents of 16 KiB takes a tenth of a second
        raise InvalidEmailAddress(MESSAGE)
    try:
        # Before anything is measured: spellings of one address are of different lengths.
        parts = validate_email(_nfc(text), strict=True, check_deliverability=False)
        local = _lower(parts.local_part)
        # Again, for lower case can be longer than capitals.
        validate_email(f"{local}@{parts.ascii_domain}", strict=True, check_deliverability=False)
        if len(local.encode()) > MAX_LOCAL_PART_OCTETS:  # the library counts characters
            raise InvalidEmailAddress(MESSAGE)
    except (EmailNotValidError, UnicodeError) as error:
        raise InvalidEmailAddress(MESSAGE) from error
    return EmailAddress(f"{local}@{parts.ascii_domain}")


def _lower(local: str) -> str:
    """Word by word: to Python a dot ends no word, and so a `Σ` before it would not become the `ς` that people type."""
    return _nfc(".".join(word.lower() for word in local.split(".")))


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
