from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """A valid address in its one normalised form; `address_syntax.parse_email_address` makes it."""

    text: str

    @property
    def mailbox(self) -> str:
        """The address without its `+tag`: addresses that differ only in it arrive in one mailbox."""
        local, _, domain = self.text.rpartition("@")
        untagged, _, _ = local.partition("+")
        return f"{untagged or local}@{domain}"

    def __str__(self) -> str:
        return self.text
