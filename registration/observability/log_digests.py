import logging
from collections.abc import Callable

from registration.domain.email_address import EmailAddress

LogDigest = Callable[[str], str]
"""A short name for something that is not to be in the logs: the same each time, and telling nothing by itself."""


def address_fields(digest: LogDigest, email: EmailAddress) -> dict[str, str]:
    """What a line says of an address: its digest, by which all lines about it are found; itself at debug level only."""
    fields = {"address": digest(email.text)}
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        fields["email"] = email.text
    return fields
