"""The providers that there are. A new one is a file beside this one and a line here."""

from collections.abc import Callable, Mapping

from registration.adapters.mail.mailpit import Mailpit
from registration.adapters.mail.provider import Provider
from registration.adapters.mail.provider_settings import InvalidProviderSetting, ProviderSettings

PROVIDERS: Mapping[str, Callable[[ProviderSettings], Provider]] = {
    "mailpit": Mailpit.from_settings,
}


def make_provider(name: str, settings: ProviderSettings) -> Provider:
    """The provider of that name. Raises InvalidProviderSetting."""
    try:
        from_settings = PROVIDERS[name]
    except KeyError:
        raise InvalidProviderSetting("provider", f"must be one of {', '.join(PROVIDERS)}") from None
    return from_settings(settings)
