"""Addresses as people type them, made into their one normalised form at the edges (HTTP, command line)."""

import unicodedata

import email_validator
from email_validator import EmailNotValidError, validate_email

from registration.domain.email_address import EmailAddress

# Reserved names (`.test`, `.invalid`, `.local`, RFC 6761) are syntactically fine; whether mail arrives is not syntax.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


class InvalidEmailAddress(ValueError):
    """The text is no e-mail address; the message says why without repeating it."""


def parse_email_address(text: str) -> EmailAddress:
    """Return the address in NFC and lower case, its domain as IDNA 2008 A-labels (RFC 5891).

    Not case folding: `ß` is not `ss`. Syntax only, no look-up; quoted local parts and address literals are refused
    (RFC 5321 allows them, no mail provider does). Raises InvalidEmailAddress.
    """
    try:
        parts = validate_email(text, strict=True, check_deliverability=False)
        local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", parts.local_part).lower())
        normalised = f"{local}@{parts.ascii_domain}"
        validate_email(
            normalised, strict=True, check_deliverability=False
        )  # lower case can be longer than capitals
    except (EmailNotValidError, UnicodeError) as error:
        raise InvalidEmailAddress("is not a valid e-mail address") from error
    return EmailAddress(normalised)
