"""What an operator says about a provider, checked when the service starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from registration.adapters.mail.sender import Sender


class InvalidProviderSetting(ValueError):
    """A provider's setting is missing or wrong; `setting` is its name, as in `api_key`. The value is never repeated."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting} {problem}")
        self.setting = setting
        self.problem = problem


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """`options` is what only some providers need, by the setting's last words: `domain`, `region`, `access_key_id`."""

    sender: Sender
    api_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def url_or(self, default: str) -> str:
        """The API's address without a slash at its end, the provider's own where none is set."""
        url = (self.api_url or default).rstrip("/")
        _check_url(url)
        return url

    def secret(self, setting: str, value: str | None) -> str | None:
        """The value, fit for a header; None where it is not set."""
        if not value:
            return None
        if not (value.isascii() and value.isprintable()):
            raise InvalidProviderSetting(setting, "may only contain printable ASCII characters")
        return value


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not url.isprintable() or " " in url:
        raise InvalidProviderSetting("api_url", "must be an http or https URL")
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidProviderSetting("api_url", "must not contain credentials, a query or a fragment")
