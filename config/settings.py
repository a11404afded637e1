"""Every setting: an environment variable, REGISTRATION_ and the field's name in capitals.

A command loads the groups that it needs. REGISTRATION_X_FILE may name a file that holds REGISTRATION_X.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from registration.adapters.mail.provider import Provider
from registration.adapters.mail.provider_settings import InvalidProviderSetting, ProviderSettings
from registration.adapters.mail.providers import PROVIDERS, make_provider
from registration.adapters.mail.sender import Sender, parse_sender
from registration.adapters.mysql.server import Server
from registration.domain.policy import Policy

PREFIX = "REGISTRATION_"
MIN_SECRET_LENGTH = 32
WEAK_BCRYPT_COST = 10

S = TypeVar("S", bound="Settings")


class SettingsError(Exception):
    """One or more settings are wrong or missing; each line names the variable and what it wants, never its value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class _FileSource(PydanticBaseSettingsSource):
    """REGISTRATION_X_FILE for every REGISTRATION_X, as container platforms hand out secrets."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base class names it
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeError) as error:
            raise SettingsError([f"{PREFIX}{field_name.upper()}_FILE: the file cannot be read"]) from error

    def __call__(self) -> dict[str, Any]:
        values = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


class Settings(BaseSettings):
    """A group of settings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, hide_input_in_errors=True, extra="ignore", frozen=True
    )

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
        parse_database_url(url.get_secret_value())
    except ValueError:
        raise ValueError("must be mysql://user:password@host:port/name, with TLS by ?ssl_ca=/path") from None
    return url


def parse_database_url(url: str) -> Server:
    """Return the server; raises ValueError if the URL is of another form."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
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
    if any(len(key) < MIN_SECRET_LENGTH for key in keys.get_secret_value().split(",")):
        raise ValueError(f"must be {MIN_SECRET_LENGTH} characters or more, each if there are several")
    return keys


class SecretSettings(Settings):
    secret_key: Annotated[SecretStr, AfterValidator(_secret_keys)]
    """What the data keys are wrapped with; comma-separated: the first wraps, all unwrap."""

    @property
    def secret_keys(self) -> list[str]:
        return self.secret_key.get_secret_value().split(",")


def _sender(sender: str) -> str:
    parse_sender(sender)
    return sender


def _provider_name(name: str) -> str:
    if name not in PROVIDERS:
        raise ValueError(f"must be one of {', '.join(PROVIDERS)}")
    return name


class MailSettings(Settings):
    mail_provider: Annotated[str, AfterValidator(_provider_name)] = "mailpit"
    mail_api_url: str | None = None
    """The provider's own where it is not set."""
    mail_api_key: SecretStr | None = None
    mail_from: Annotated[str, AfterValidator(_sender)]
    """Name <address>"""

    @property
    def sender(self) -> Sender:
        return parse_sender(self.mail_from)

    @property
    def provider(self) -> Provider:
        key = None if self.mail_api_key is None else self.mail_api_key.get_secret_value()
        return make_provider(self.mail_provider, ProviderSettings(self.sender, self.mail_api_url, key))

    @model_validator(mode="after")
    def _check_provider(self) -> Self:
        try:
            _ = self.provider
        except InvalidProviderSetting as error:
            raise SettingsError([_line(f"mail_{error.setting}", error.problem)]) from None
        return self


class PolicySettings(Settings):
    bcrypt_cost: int = Field(12, ge=4, le=16)
    """The base-2 logarithm of the rounds; under 10 is for tests."""
    code_digits: int = Field(4, ge=4, le=8)
    code_ttl_seconds: int = Field(60, ge=1, le=600)
    mail_cooldown_seconds: int = Field(30, ge=0, le=3600)
    mails_per_hour: int = Field(5, ge=1, le=1000)
    mails_per_day: int = Field(10, ge=1, le=1000)
    password_min_length: int = Field(8, ge=1, le=64)
    client_limits: str = "register=30/minute,auth=120/minute,wrong-codes=30/day"
    """Empty: no per-client limit at all, for a backend through which all callers come."""

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


class ListenSettings(Settings):
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)


class LogSettings(Settings):
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class ServiceSettings(
    DatabaseSettings, SecretSettings, MailSettings, PolicySettings, ListenSettings, LogSettings
):
    """All that `serve` needs."""


class KeySettings(DatabaseSettings, SecretSettings):
    """What it takes to read the data keys."""


class FixtureSettings(DatabaseSettings, SecretSettings, PolicySettings):
    """What it takes to write registrations past the rules, and to know that they do no harm."""

    mail_provider: str = "mailpit"


def load(group: type[S]) -> S:
    """Return the group as the environment has it. Raises SettingsError with every fault."""
    try:
        return group()
    except ValidationError as error:
        raise SettingsError(
            [_line(fault["loc"][0], fault["msg"]) for fault in error.errors(include_input=False)]
        ) from None


def _line(field: int | str, message: str) -> str:
    wanted = "is not set" if message == "Field required" else message.removeprefix("Value error, ")
    return f"{PREFIX}{str(field).upper()}: {wanted}"
