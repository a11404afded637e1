"""The providers that there are. A new one is a file beside this one and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from registration.adapters.mail.brevo import Brevo
from registration.adapters.mail.mailgun import Mailgun
from registration.adapters.mail.mailpit import Mailpit
from registration.adapters.mail.postmark import Postmark
from registration.adapters.mail.provider import Provider
from registration.adapters.mail.provider_settings import (
    InvalidProviderSettings,
    ProviderSettings,
    SettingFault,
)
from registration.adapters.mail.resend import Resend
from registration.adapters.mail.ses import Ses


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """How to make a provider, and the names of the options that it has besides `api_url` and `api_key`."""

    from_settings: Callable[[ProviderSettings], Provider]
    options: tuple[str, ...] = ()


PROVIDERS: Mapping[str, ProviderKind] = {
    "mailpit": ProviderKind(Mailpit.from_settings),
    "postmark": ProviderKind(Postmark.from_settings),
    "resend": ProviderKind(Resend.from_settings),
    "ses": ProviderKind(Ses.from_settings, ("region", "access_key_id", "secret_access_key")),
    "mailgun": ProviderKind(Mailgun.from_settings, ("domain",)),
    "brevo": ProviderKind(Brevo.from_settings),
}


def make_provider(name: str, settings: ProviderSettings) -> Provider:
    """The provider of that name. Raises InvalidProviderSettings."""
    try:
        kind = PROVIDERS[name]
    except KeyError:
        problem = f"must be one of {', '.join(PROVIDERS)}"
        raise InvalidProviderSettings(SettingFault("provider", problem)) from None
    return kind.from_settings(settings)
