"""What an operator says about a provider, checked when the service starts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from registration.adapters.mail.sender import Sender


@dataclass(frozen=True, slots=True)
class SettingFault:
    """`setting` is the variable's last words, as in `api_key`; `problem` completes "REGISTRATION_MAIL_API_KEY …"."""

    setting: str
    problem: str


class InvalidProviderSettings(ValueError):
    """Settings of a provider are missing or wrong. No value is ever repeated."""

    def __init__(self, *faults: SettingFault) -> None:
        super().__init__("; ".join(f"{fault.setting} {fault.problem}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """`options` is what only some providers need, by the setting's last words: `domain`, `region`, `access_key_id`."""

    sender: Sender
    api_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def reading(self) -> "SettingsReader":
        return SettingsReader(self)


class SettingsReader:
    """Hands out a provider's settings within a `with` block; its end raises if any was wrong, naming all that were."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._problems: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None and self._problems:
            raise InvalidProviderSettings(*(SettingFault(*fault) for fault in self._problems.items()))

    def refuse(self, setting: str, problem: str) -> None:
        """Take note of a fault, the first one of each setting."""
        self._problems.setdefault(setting, problem)

    def url(self, default: str) -> str:
        """The API's address without a slash at its end, the provider's own where none is set."""
        url = (self._settings.api_url or default).rstrip("/")
        if problem := _problem_of_url(url):
            self.refuse("api_url", problem)
        return url

    def key(self) -> str:
        """The API key, fit for a header."""
        return self._secret("api_key", self._settings.api_key)

    def key_if_set(self) -> str | None:
        return self.key() if self._settings.api_key else None

    def secret(self, option: str) -> str:
        """An option that is as secret as a key, and fit for a header."""
        return self._secret(option, self._settings.options.get(option))

    def option(self, option: str, pattern: re.Pattern[str], form: str) -> str:
        """An option of that pattern; `form` says it in words."""
        value = self._settings.options.get(option)
        if not value:
            self.refuse(option, "is not set")
        elif not pattern.fullmatch(value):
            self.refuse(option, f"must be {form}")
        return value or ""

    def ascii_sender(self, provider: str) -> Sender:
        """The sender, whose address has to be ASCII for that provider."""
        if not self._settings.sender.address.text.isascii():
            self.refuse("from", f"must have an address in ASCII for {provider}")
        return self._settings.sender

    def _secret(self, setting: str, value: str | None) -> str:
        if not value:
            self.refuse(setting, "is not set")
        elif not (value.isascii() and value.isprintable()):
            self.refuse(setting, "may only contain printable ASCII characters")
        return value or ""


def _problem_of_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or not url.isprintable() or " " in url:
        return "must be an http or https URL"
    if parts.username is not None or parts.query or parts.fragment:
        return "must not contain credentials, a query or a fragment"
    return None
