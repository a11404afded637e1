"""Every setting: an environment variable, REGISTRATION_ and the field's name in capitals.

A command loads the groups that it needs. REGISTRATION_X_FILE may name a file that holds REGISTRATION_X.
"""

import contextlib
import os
import re
import ssl
from collections.abc import Callable, Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from registration.adapters.mail.provider import Provider
from registration.adapters.mail.provider_settings import InvalidProviderSettings, ProviderSettings
from registration.adapters.mail.providers import PROVIDERS, make_provider
from registration.adapters.mail.sender import Sender, parse_sender
from registration.adapters.mysql.server import Server
from registration.domain.policy import Policy

if TYPE_CHECKING:
    from limits import RateLimitItem

PREFIX = "REGISTRATION_"
MIN_SECRET_LENGTH = 32
WEAK_BCRYPT_COST = 10
CLIENT_LIMITS = ("register", "auth", "wrong-codes")
_SURROGATES = re.compile("[\ud800-\udfff]")
DEFAULT_CLIENT_LIMITS = "register=30/minute,auth=120/minute,wrong-codes=30/day"

S = TypeVar("S", bound="Settings")


class SettingsError(Exception):
    """One or more settings are wrong or missing; each line names the variable and what it wants, never its value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class _FileSource(PydanticBaseSettingsSource):
    """REGISTRATION_X_FILE for every REGISTRATION_X, as container platforms hand out secrets."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base class names it
        with contextlib.suppress(OSError, UnicodeError):  # `load` looks for those
            return _from_file(field_name), field_name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


def _from_file(field: str) -> str | None:
    """What the file holds that REGISTRATION_X_FILE names; None if it names none. Raises OSError or UnicodeError."""
    path = os.environ.get(f"{PREFIX}{field.upper()}_FILE")
    return Path(path).read_text(encoding="utf-8-sig").strip() if path else None


class Settings(BaseSettings):
    """A group of settings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, hide_input_in_errors=True, extra="ignore", frozen=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _is_text(cls, value: object) -> object:
        """What is not UTF-8 in the environment comes here as lone surrogates, which fail wherever they are used."""
        if isinstance(value, str) and not value.isascii() and _SURROGATES.search(value):
            raise ValueError("must be text in UTF-8")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class passes it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class passes it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FileSource(settings_cls)


def _database_url(url: SecretStr) -> SecretStr:
    try:
        server = parse_database_url(url.get_secret_value())
    except ValueError:
        raise ValueError("must be mysql://user:password@host:port/name, with TLS by ?ssl_ca=/path") from None
    if server.ssl_ca is not None:
        _check_authority(Path(server.ssl_ca))
    return url


def _check_authority(file: Path) -> None:
    if not _is(file.is_file):
        raise ValueError("its ssl_ca names no file that can be read")
    try:
        ssl.create_default_context(cafile=file)
    except OSError:
        raise ValueError("the file that its ssl_ca names holds no certificate, or cannot be read") from None


def _is(kind: Callable[[], bool]) -> bool:
    """Whether a path is of that kind; no, if its name is too long, or its folder not ours to look into."""
    try:
        return kind()
    except OSError:
        return False


def parse_database_url(url: str) -> Server:
    """Return the server; raises ValueError if the URL is of another form."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    database = unquote(parts.path.removeprefix("/"))
    if (
        parts.scheme != "mysql"
        or not parts.hostname
        or not parts.username
        or not database
        or set(query) - {"ssl_ca"}
    ):
        raise ValueError
    return Server(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        database=database,
        ssl_ca=query.get("ssl_ca"),
    )


class DatabaseSettings(Settings):
    database_url: Annotated[SecretStr, AfterValidator(_database_url)]
    """mysql://user:password@host:3306/name, TLS by ?ssl_ca=/path"""

    @property
    def server(self) -> Server:
        return parse_database_url(self.database_url.get_secret_value())


def _secret_keys(keys: SecretStr) -> SecretStr:
    if any(len(key) < MIN_SECRET_LENGTH for key in _split(keys)):
        raise ValueError(f"must be {MIN_SECRET_LENGTH} characters or more, each if there are several")
    return keys


def _split(keys: SecretStr) -> list[str]:
    return [key.strip() for key in keys.get_secret_value().split(",")]


class SecretSettings(Settings):
    secret_key: Annotated[SecretStr, AfterValidator(_secret_keys)]
    """What the data keys are wrapped with; comma-separated: the first wraps, all unwrap."""

    @property
    def secret_keys(self) -> list[str]:
        return _split(self.secret_key)


def _sender(sender: str) -> str:
    parse_sender(sender)
    return sender


def _provider_names(names: str) -> str:
    listed = [name.strip() for name in names.split(",")]
    if not set(listed) <= set(PROVIDERS):
        raise ValueError(f"must be one of {', '.join(PROVIDERS)}, or several with commas between")
    if len(set(listed)) < len(listed):
        raise ValueError("must not name a provider twice")
    return ",".join(listed)


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _folder(path: Path | None) -> Path | None:
    if path is not None and not _is(path.is_dir):
        raise ValueError("must be a folder that can be read")
    return path


SHARED_SETTINGS = ("api_url", "api_key")

_OWN_FIELDS: dict[str, Any] = {
    f"mail_{name}_{setting}": (SecretStr | None, None)
    for name, kind in PROVIDERS.items()
    for setting in (*SHARED_SETTINGS, *kind.options)
}
ProvidersOwnSettings = create_model("ProvidersOwnSettings", __base__=Settings, **_OWN_FIELDS)
"""REGISTRATION_MAIL_POSTMARK_API_KEY and so on, for every provider that there is."""


class MailSettings(Settings):
    mail_provider: Annotated[str, AfterValidator(_provider_names)] = "mailpit"
    """One, or several with commas between: each is asked while those before it are down."""
    mail_api_url: SecretStr | None = None
    """Of the only provider; each of several has a REGISTRATION_MAIL_<PROVIDER>_API_URL, which does for one as well."""
    mail_api_key: SecretStr | None = None
    """Likewise."""
    mail_from: Annotated[str, AfterValidator(_sender)]
    """Name <address>"""
    mail_templates: Annotated[Path | None, BeforeValidator(_none_if_empty), AfterValidator(_folder)] = None
    """A folder of templates that replace the shipped ones of the same path, or add languages."""
    _providers_own: Settings = PrivateAttr(default_factory=ProvidersOwnSettings)

    @property
    def sender(self) -> Sender:
        return parse_sender(self.mail_from)

    @property
    def providers(self) -> Sequence[Provider]:
        """In the order in which they are asked. Raises SettingsError with every fault."""
        made: list[Provider] = []
        lines: list[str] = []
        for name in self.mail_provider.split(","):
            try:
                made.append(make_provider(name, self._settings_of(name)))
            except InvalidProviderSettings as error:
                lines += [_line(self._field(name, fault.setting), fault.problem) for fault in error.faults]
        if lines:
            raise SettingsError(list(dict.fromkeys(lines)))
        return made

    def _settings_of(self, provider: str) -> ProviderSettings:
        def value(setting: str) -> str | None:
            return self._value(self._field(provider, setting)) or self._value(f"mail_{provider}_{setting}")

        options = {name: value(name) or "" for name in PROVIDERS[provider].options}
        return ProviderSettings(self.sender, value("api_url"), value("api_key"), options)

    def _field(self, provider: str, setting: str) -> str:
        """What a provider's setting is called: `api_key` of the only one is `mail_api_key`."""
        is_only_one = provider == self.mail_provider
        is_shared = setting == "from" or (is_only_one and setting in SHARED_SETTINGS)
        return f"mail_{setting}" if is_shared else f"mail_{provider}_{setting}"

    def _value(self, field: str) -> str | None:
        value: SecretStr | None = getattr(
            self if field in type(self).model_fields else self._providers_own, field
        )
        return None if value is None else value.get_secret_value()

    @model_validator(mode="after")
    def _check_providers(self) -> Self:
        _ = self.providers
        return self


def _client_limits(limits: str) -> str:
    try:
        parse_client_limits(limits)
    except ValueError:
        names = ", ".join(f"{name}=COUNT/PERIOD" for name in CLIENT_LIMITS)
        raise ValueError(f"must be a list of some of {names}") from None
    return limits


def parse_client_limits(text: str) -> "dict[str, RateLimitItem]":
    """Return the limits by name; ValueError if the text is no list of them."""
    from limits import parse_many  # noqa: PLC0415 - slow, and most commands know of no limits

    limits = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, limit = pair.partition("=")
        if name not in CLIENT_LIMITS:
            raise ValueError
        (limits[name],) = parse_many(limit)  # ValueError if there are several
    return limits


def _rate_limit_storage(uri: SecretStr) -> SecretStr:
    if uri.get_secret_value() == "memory://":
        return uri
    from registration.adapters.rate_limit_redis import is_redis_uri  # noqa: PLC0415 - slow, and rarely needed

    if not is_redis_uri(uri.get_secret_value()):
        raise ValueError("must be memory:// or redis://host:port/number")
    return uri


class PolicySettings(Settings):
    bcrypt_cost: int = Field(12, ge=4, le=16)
    """The base-2 logarithm of the rounds; under 10 is for tests."""
    code_digits: int = Field(4, ge=4, le=8)
    code_ttl_seconds: int = Field(60, ge=1, le=600)
    mail_cooldown_seconds: int = Field(30, ge=0, le=3600)
    mails_per_hour: int = Field(5, ge=1, le=1000)
    mails_per_day: int = Field(10, ge=1, le=1000)
    password_min_length: int = Field(8, ge=1, le=64)
    client_limits: Annotated[str, AfterValidator(_client_limits)] = DEFAULT_CLIENT_LIMITS
    """Over all addresses; a name left out is unlimited. Empty: no per-client limit at all, nor a share of an address's
    mails and wrong codes, for a backend through which all callers come."""
    rate_limit_storage: Annotated[SecretStr, AfterValidator(_rate_limit_storage)] = SecretStr("memory://")
    """redis://… shares the per-client limits and the wrong passwords between replicas."""

    @property
    def client_limit_items(self) -> "dict[str, RateLimitItem]":
        return parse_client_limits(self.client_limits)

    @property
    def policy(self) -> Policy:
        return Policy(
            code_digits=self.code_digits,
            code_ttl=timedelta(seconds=self.code_ttl_seconds),
            mail_cooldown=timedelta(seconds=self.mail_cooldown_seconds),
            mails_per_hour=self.mails_per_hour,
            mails_per_day=self.mails_per_day,
            password_min_length=self.password_min_length,
            limits_clients=bool(self.client_limits.strip()),
        )


def _networks(text: str) -> str:
    try:
        parse_networks(text)
    except ValueError:
        raise ValueError("must be a list of networks, as in 10.0.0.0/8,2001:db8::/32") from None
    return text


def parse_networks(text: str) -> list[IPv4Network | IPv6Network]:
    """Return the networks; ValueError if the text is no list of them."""
    return [ip_network(part.strip()) for part in text.split(",") if part.strip()]


def _origins(text: str) -> str:
    if not all(map(_is_origin, filter(None, (part.strip() for part in text.split(","))))):
        raise ValueError("must be a list of origins, as in https://www.example.com")
    return text


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:  # whose text quotes the value
        return False
    return parts.scheme in {"http", "https"} and text == f"{parts.scheme}://{parts.netloc}"


class ListenSettings(Settings):
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = ""
    """Networks whose X-Forwarded-For is believed, and nobody else's."""

    cors_origins: Annotated[str, AfterValidator(_origins)] = ""
    """Web origins whose pages may call the service from a browser, comma-separated."""

    @property
    def allowed_origins(self) -> list[str]:
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def trusted_networks(self) -> list[IPv4Network | IPv6Network]:
        return parse_networks(self.trusted_proxies)


EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - nothing is bound


def _apart_from_the_public_port(port: int | None, info: ValidationInfo) -> int | None:
    hosts = {info.data.get("host"), info.data.get("admin_host")}
    if port is not None and port == info.data.get("port") and (len(hosts) == 1 or hosts & EVERYWHERE):
        raise ValueError(f"must not be {PREFIX}PORT: what it tells is not for everybody")
    return port


class AdminSettings(ListenSettings):
    admin_host: str = "127.0.0.1"
    admin_port: Annotated[
        Annotated[int, Field(ge=1, le=65535)] | None,
        BeforeValidator(_none_if_empty),
        AfterValidator(_apart_from_the_public_port),
    ] = None
    """Where metrics and the status page are served; nowhere if it is empty."""


class RetentionSettings(Settings):
    retention_days: int = Field(7, ge=1, le=3650)
    """A pending registration goes when it is older than this, counted from the latest; mails go with it. No less than a
    day, for so long a mail counts towards its mailbox's limits."""

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)


class LogSettings(Settings):
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class ServiceSettings(
    DatabaseSettings,
    SecretSettings,
    MailSettings,
    PolicySettings,
    RetentionSettings,
    AdminSettings,
    LogSettings,
):
    """All that `serve` needs."""


class PurgeSettings(DatabaseSettings, RetentionSettings):
    """What `purge` needs: no secret, for it reads nothing that is sealed."""


class KeySettings(DatabaseSettings, SecretSettings):
    """What it takes to read the data keys."""


class OperatorSettings(KeySettings, LogSettings):
    """What it takes to do what is to be in the log."""


class FixtureSettings(DatabaseSettings, SecretSettings, PolicySettings):
    """What it takes to write registrations past the rules, and to know that they do no harm."""

    mail_provider: Annotated[str, AfterValidator(_provider_names)] = "mailpit"


def load(group: type[S]) -> S:
    """Return the group as the environment has it. Raises SettingsError with every fault."""
    unreadable = _unreadable_files(group)
    faults: list[str] = []
    try:
        settings = group()
        if not unreadable:
            return settings
    except SettingsError as error:
        faults = error.lines
    except ValidationError as error:
        wrong = error.errors(include_input=False)
        faults = [_line(fault["loc"][0], fault["msg"]) for fault in wrong]
        faults += _faults_of_providers(group, {fault["loc"][0] for fault in wrong})
    consequences = {_line(field, "is not set") for field in unreadable}
    raise SettingsError(
        [_line(f"{field}_file", "the file cannot be read") for field in unreadable]
        + [fault for fault in faults if fault not in consequences]
    )


def _unreadable_files(group: type[Settings]) -> list[str]:
    """The fields whose files are named and cannot be read."""
    unreadable = []
    providers_own = ProvidersOwnSettings.model_fields if issubclass(group, MailSettings) else {}
    for field in (*group.model_fields, *providers_own):
        try:
            _from_file(field)
        except (OSError, UnicodeError):
            unreadable.append(field)
    return unreadable


STAND_INS = {"mail_from": "somebody@example.com", "mail_templates": None}


def _faults_of_providers(group: type[Settings], wrong: set[int | str]) -> list[str]:
    """What the group had no chance to say of its mail providers, because settings beside theirs are wrong."""
    if not issubclass(group, MailSettings) or "mail_provider" in wrong:
        return []
    stand_in: dict[str, Any] = {field: value for field, value in STAND_INS.items() if field in wrong}
    try:
        MailSettings(**stand_in)
    except SettingsError as error:
        return error.lines
    except ValidationError:
        pass  # of a provider's own settings, which the group has told of
    return []


def _line(field: int | str, message: str) -> str:
    wanted = "is not set" if message == "Field required" else message.removeprefix("Value error, ")
    wanted = wanted.replace("Input should", "must").partition(", unable to parse")[0]
    return f"{PREFIX}{str(field).upper()}: {wanted}"
