"""An API whose application is replaced by a recorder: each message is remembered, and answered as the test says."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
from starlette.types import Receive, Scope, Send

from registration.api.app import create_api
from registration.api.services import Readiness, Services
from registration.commands.activate_user import ActivateUser
from registration.commands.erase_user import EraseUser
from registration.commands.register_user import RegisterUser
from registration.commands.send_new_code import SendNewCode
from registration.domain.email_address import EmailAddress
from registration.domain.password import PasswordHash
from registration.domain.policy import Policy
from registration.domain.user import User
from registration.messaging.command_bus import CommandBus, Message
from registration.queries.get_user import GetUser

ADA = EmailAddress("ada@example.com")
PASSWORD = "pâss: wörd 🔑"
REGISTERED_AT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
ACTIVATED_AT = datetime(2026, 11, 22, 12, 0, 40, 250_000, tzinfo=UTC)
ACTIVE = User(ADA, UUID(int=1), PasswordHash("$2b$12$"), REGISTERED_AT, ACTIVATED_AT)
PEER = "203.0.113.7"

MESSAGES: tuple[type[Message[Any]], ...] = (RegisterUser, ActivateUser, SendNewCode, GetUser, EraseUser)


@dataclass
class Recorder:
    """`outcomes`: what each kind of message is answered with; an exception is raised."""

    dispatched: list[Message[Any]] = field(default_factory=list)
    outcomes: dict[type[Message[Any]], object] = field(
        default_factory=lambda: {ActivateUser: ACTIVE, GetUser: ACTIVE}
    )
    policy: Policy = field(default_factory=Policy)
    ready: Readiness = field(default_factory=lambda: Readiness("ok", database="ok", mail="ok"))

    async def handle(self, message: Message[Any]) -> Any:
        self.dispatched.append(message)
        outcome = self.outcomes.get(type(message))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def readiness(self) -> Readiness:
        return self.ready

    def refuse_everything(self, refusal: Exception) -> None:
        self.outcomes = dict.fromkeys(MESSAGES, refusal)

    @asynccontextmanager
    async def open_services(self) -> AsyncIterator[Services]:
        bus = CommandBus([message.handled_by(self.handle) for message in MESSAGES])
        yield Services(bus, self.policy, (), ("en", "de", "fr"), self.readiness)


@asynccontextmanager
async def client_of(
    recorder: Recorder, peer: str = PEER, cors_origins: Sequence[str] = ()
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the API while that is running; its transport has no lifespan of its own."""
    api = create_api(recorder.open_services, cors_origins)
    async with api.router.lifespan_context(api) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await api({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx2.ASGITransport(with_state, client=(peer, 50_000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://registration.test") as client:
            yield client


def basic(user_id: str, password: str) -> dict[str, str]:
    token = b64encode(f"{user_id}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


AUTHORIZED = basic(ADA.text, PASSWORD)

REQUESTS: dict[str, dict[str, Any]] = {
    "register": {
        "method": "POST",
        "url": "/v1/users",
        "json": {"email": ADA.text, "password": PASSWORD},
    },
    "activate": {
        "method": "POST",
        "url": "/v1/users/activation",
        "headers": AUTHORIZED,
        "json": {"code": "0042"},
    },
    "new code": {"method": "POST", "url": "/v1/users/activation-code", "headers": AUTHORIZED},
    "look": {"method": "GET", "url": "/v1/users/me", "headers": AUTHORIZED},
    "erase": {"method": "DELETE", "url": "/v1/users/me", "headers": AUTHORIZED},
}
"""A good request for each of the contract's operations on users."""


def as_json(document: object) -> dict[str, Any]:
    """A body in ASCII, so that it can hold lone surrogates; and one that is null is a body, too."""
    return {"content": json.dumps(document), "headers": {"Content-Type": "application/json"}}


def problem_of(response: httpx2.Response) -> str:
    """The problem's code, after a look at what all problem documents have in common."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    prefix, _, code = document["type"].rpartition("/")
    assert prefix == "/problems"
    assert document["status"] == response.status_code
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == response.headers["x-request-id"]
    return str(code)


def everything_in(response: httpx2.Response) -> str:
    """The answer as text, headers included, where no secret may be."""
    return f"{response.headers.multi_items()} {response.text}"
