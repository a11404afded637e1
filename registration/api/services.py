from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from registration.api.client import Network
from registration.domain.policy import Policy
from registration.messaging.command_bus import CommandBus


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether requests can be served, and what stands in the way."""

    status: Literal["ok", "degraded", "unavailable"]
    database: Literal["ok", "down"]
    mail: Literal["ok", "down"]


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes need of the application."""

    bus: CommandBus
    policy: Policy
    trusted_proxies: Sequence[Network]
    languages: Collection[str]
    """Those that mails exist in."""
    readiness: Callable[[], Awaitable[Readiness]]
