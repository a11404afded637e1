"""The whole service but for MariaDB, bcrypt's time and the network, at an instant of the test's choice.

Everything that an answer depends on is the clock and the requests before: so equal histories must give equal bytes.
"""

import hashlib
import json
from array import array
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, TypeVar
from uuid import UUID

import pytest
from fastapi import FastAPI

from config.settings import parse_client_limits
from registration.adapters.keys import KeyRing
from registration.adapters.rate_limit_memory import BoundedMemoryStorage
from registration.adapters.rate_limiter import LimitsRateLimiter
from registration.api.services import Readiness, Services
from registration.courier.courier import Courier
from registration.courier.rendering import Renderer
from registration.courier.route import Route
from registration.domain.policy import Policy
from registration.hashing.bcrypt_hasher import BcryptHasher
from registration.hashing.gate import HashingGate
from registration.hashing.remembered_proofs import RememberedProofs
from registration.messaging.event_dispatcher import EventDispatcher
from registration.observability.progress import PrometheusProgress
from registration.ports import Message, Outcome, OutgoingMail
from registration.wiring import Ports, bind_messages, subscribe_handlers
from tests.fakes import Clock, FakeOutbox
from tests.world import Moment as WorldsMoment
from tests.world import World

R = TypeVar("R")

COST = 12
REQUEST_ID = "a-request"
RENDERER = Renderer("Example")


class CountedBcrypt:
    """Stands in for the module `bcrypt`: hashes that can be compared, whose time is counted and not spent."""

    def __init__(self) -> None:
        self.rounds = 0
        self.salts = 0

    def gensalt(self, cost: int) -> bytes:
        self.salts += 1
        return b"$2b$%02d$%022d" % (cost, self.salts)

    def hashpw(self, password: bytes, salt: bytes) -> bytes:
        self.rounds += 2 ** int(salt[4:6])
        return salt[:29] + hashlib.sha256(salt[:29] + password).hexdigest()[:31].encode()


class InlineGate(HashingGate):
    """Without a thread, for there is nothing to wait for."""

    async def run(self, work: Callable[[], R], *, urgent: bool = False) -> R:
        return work()


class PunctualOutbox(FakeOutbox):
    """Records an acceptance at the instant that it came: what the machine took meanwhile would blur the comparison."""

    async def accept(
        self,
        mail: OutgoingMail,
        provider: str,
        message_id: str | None,
        since_answer: Callable[[], timedelta],
    ) -> None:
        await super().accept(mail, provider, message_id, timedelta)


@dataclass
class Post:
    """A MailDelivery: the courier, and a MailApi that gives every mail the same outcome."""

    world: World
    outcome: Outcome | None
    """None while the courier has not got round to it."""
    sent: int = 0
    name: str = "provider"
    recognises_repetitions: bool = False

    async def deliver(self, mail_id: UUID) -> None:
        if self.outcome is None:
            return
        world = self.world  # a courier for each mail, as the next one's breaker must not know of this one
        outbox = PunctualOutbox(world.database)
        courier = Courier(outbox, [Route(self)], RENDERER, world.keys, world.policy, str.upper)
        await courier.deliver(mail_id)

    async def send(self, message: Message) -> Outcome:
        assert self.outcome is not None
        self.sent += 1
        return self.outcome


@dataclass(frozen=True, slots=True)
class Observation:
    """All that a request gives away: the answer to the last byte, and the work that it caused."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    rounds: int
    """Of bcrypt, before the answer."""
    rounds_afterwards: int
    mails_queued: int
    mails_sent: int

    @property
    def outcome(self) -> str:
        """In a word: the problem's code, or the status of a success."""
        if self.status < 300:
            return str(self.status)
        return str(json.loads(self.body)["type"]).removeprefix("/problems/")


@dataclass(frozen=True, slots=True)
class Moment:
    """To compare with another, and to go back to as often as one likes."""

    of_world: WorldsMoment
    hits: dict[tuple[int, str], tuple[float, ...]]
    proofs: dict[bytes, float]
    ids: int
    salts: int


@dataclass
class WholeService:
    """One process of the service. Its routes, handlers, rules, limits, hashing and courier are the real ones."""

    api: FastAPI
    keys: KeyRing
    clock: Clock
    bcrypt: CountedBcrypt
    client_limits: str
    seen: list[Observation] = field(default_factory=list)
    world: World = field(init=False)
    post: Post = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(Policy(limits_clients=bool(self.client_limits)), self.clock)
        self.post = Post(self.world, outcome=None)
        self._storage = BoundedMemoryStorage(self._timestamp)
        self._ids = 0
        self.restart(COST)

    def restart(self, cost: int, *, remembers_proofs: bool = True) -> None:
        """Begin anew with hashes of this cost; the limits' storage lives on, as Redis does.

        Without remembered proofs it is as if each request met another process.
        """
        self._remembers_proofs = remembers_proofs
        self._proofs = RememberedProofs(self._timestamp)
        self._dispatcher = EventDispatcher()
        world = self.world
        limits = parse_client_limits(self.client_limits)
        ports = Ports(
            units_of_work=world.database,
            read_account=world.database.read_account,
            hasher=BcryptHasher(cost, InlineGate(), self._proofs),
            limiter=LimitsRateLimiter(
                self._storage, self.keys, limits, limits_clients=world.policy.limits_clients
            ),
            code_keys=world.keys,
            publish=world.published_outside.append,
            new_id=self._new_id,
            is_common_password=lambda _: False,
        )
        world.bus = bind_messages(ports, world.policy)
        subscribe_handlers(self._dispatcher, ports, self.post, PrometheusProgress())
        self._services = Services(world.bus, world.policy, (), ("en",), _readiness)

    def renew_keys(self) -> None:
        """Let the hashes that there are be stored under a key that is no longer the newest one."""
        tables = self.world.database.tables
        for email, user in tables.users.items():
            tables.users[email] = replace(user, password_hash=replace(user.password_hash, key_is_old=True))
        for email, waiting in tables.registrations.items():
            tables.registrations[email] = replace(
                waiting, password_hash=replace(waiting.password_hash, key_is_old=True)
            )

    def moment(self) -> Moment:
        """All that the answers from now on depend on."""
        hits = {
            (expiry, key): tuple(times)
            for expiry, windows in self._storage._windows.items()
            for key, times in windows.items()
        }
        return Moment(self.world.moment(), hits, dict(self._proofs._until), self._ids, self.bcrypt.salts)

    def go_back_to(self, moment: Moment) -> None:
        self.world.go_back_to(moment.of_world)
        self._storage._windows.clear()
        for (expiry, key), times in moment.hits.items():
            self._storage._windows[expiry][key] = array("d", times)
        self._proofs._until = OrderedDict(moment.proofs)
        self._ids, self.bcrypt.salts = moment.ids, moment.salts

    async def ask(
        self,
        method: str,
        path: str,
        client: str,
        authorization: dict[str, str] | None = None,
        body: dict[str, str] | None = None,
    ) -> Observation:
        """Have the request answered, and then everything done that follows from it."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"X-Request-ID": REQUEST_ID, "Content-Type": "application/json", **(authorization or {})}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": (client, 50_000),
            "server": ("registration.test", 80),
            "state": {"services": self._services},
        }
        answer: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            answer.append(message)

        if not self._remembers_proofs:
            self._proofs._until.clear()
        rounds, queued, sent = self.bcrypt.rounds, len(self.world.database.tables.mails), self.post.sent
        await self.api(scope, receive, send)
        answered = self.bcrypt.rounds
        await self._follow_events()
        start, *parts = answer
        observation = Observation(
            start["status"],
            tuple(start["headers"]),
            b"".join(part.get("body", b"") for part in parts),
            rounds=answered - rounds,
            rounds_afterwards=self.bcrypt.rounds - answered,
            mails_queued=len(self.world.database.tables.mails) - queued,
            mails_sent=self.post.sent - sent,
        )
        self.seen.append(observation)
        return observation

    async def _follow_events(self) -> None:
        world = self.world
        events = [*world.take_published(), *world.published_outside]
        world.published_outside.clear()
        for event in events:
            self._dispatcher.publish(event)
        await self._dispatcher.drain(5)

    def _new_id(self) -> UUID:
        self._ids += 1
        return UUID(int=self._ids)

    def _timestamp(self) -> float:
        return self.clock.now.timestamp()


async def _readiness() -> Readiness:
    return Readiness("ok", database="ok", mail="ok")


def stop_time(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> CountedBcrypt:
    """Let nothing take time but the clock: neither limits nor hashes. Return where the hashes are counted."""

    def timestamp() -> float:
        return clock.now.timestamp()

    monkeypatch.setattr("registration.adapters.rate_limiter.time", SimpleNamespace(time=timestamp))
    bcrypt = CountedBcrypt()
    monkeypatch.setattr("registration.hashing.bcrypt_hasher.bcrypt", bcrypt)
    return bcrypt
