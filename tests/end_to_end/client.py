"""The API as its callers see it, and the people who call it."""

import itertools
import re
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import httpx2

from tests.end_to_end.waiting import until

PASSWORD = "correct horse battery staple"
OTHER_PASSWORD = "an entirely different one"
PATIENCE_SECONDS = 30

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

_numbers = itertools.count(1)
_run = secrets.token_hex(3)


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    password: str = PASSWORD

    def with_password(self, password: str) -> Self:
        return replace(self, password=password)

    @property
    def authorization(self) -> str:
        return f"Basic {b64encode(f'{self.email}:{self.password}'.encode()).decode()}"


def somebody(password: str = PASSWORD) -> Person:
    """Somebody new; all addresses are of one length."""
    return Person(f"ann.{_run}.{next(_numbers):05}@example.org", password)


@dataclass
class Client:
    """Speaks to one service. Remembers for whom."""

    url: str
    people: set[Person] = field(default_factory=set)
    http: httpx2.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx2.AsyncClient(
            base_url=self.url,
            timeout=PATIENCE_SECONDS,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
            trust_env=False,
        )

    async def request(
        self, method: str, path: str, person: Person | None = None, **request: Any
    ) -> httpx2.Response:
        headers = dict(request.pop("headers", {}))
        if person is not None:
            self.people.add(person)
            headers["Authorization"] = person.authorization
        return await self.http.request(method, path, headers=headers, **request)

    async def register(self, person: Person) -> httpx2.Response:
        self.people.add(person)
        document = {"email": person.email, "password": person.password}
        return await self.request("POST", "/v1/users", json=document)

    async def activate(self, person: Person, code: str) -> httpx2.Response:
        return await self.request("POST", "/v1/users/activation", person, json={"code": code})

    async def new_code(self, person: Person) -> httpx2.Response:
        return await self.request("POST", "/v1/users/activation-code", person)

    async def look(self, person: Person) -> httpx2.Response:
        return await self.request("GET", "/v1/users/me", person)

    async def erase(self, person: Person) -> httpx2.Response:
        return await self.request("DELETE", "/v1/users/me", person)

    async def liveness(self) -> httpx2.Response:
        return await self.request("GET", "/health/live")

    async def readiness(self) -> httpx2.Response:
        return await self.request("GET", "/health/ready")

    async def is_ready(self) -> bool:
        try:
            return (await self.readiness()).status_code == 200
        except httpx2.TransportError:
            return False

    async def accepted(self, person: Person) -> dict[str, Any]:
        """The pending registration, once the provider's acceptance of its newest mail is recorded."""

        async def probe() -> dict[str, Any] | None:
            user: dict[str, Any] = (await self.look(person)).json()
            return user if user["activation"]["mail"] == "accepted" else None

        return await until(probe, "the mail is accepted")

    @property
    def passwords(self) -> set[str]:
        """All that were shown, as they were typed and as they are hashed."""
        typed = {person.password for person in self.people}
        return typed | {unicodedata.normalize("NFKC", password) for password in typed}


def problem(
    response: httpx2.Response, status: int, code: str, members: Collection[str] = ()
) -> dict[str, Any]:
    """Return the problem document, after a look at all that the contract says of it."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    document: dict[str, Any] = response.json()
    if status in {429, 503}:
        members = {*members, "retry_after"}
        assert document["retry_after"] >= 1
        assert response.headers["retry-after"] == str(document["retry_after"])
    assert set(document) == {"type", "title", "status", "detail", "request_id", *members}
    assert document["type"] == f"/problems/{code}"
    assert document["status"] == status
    assert document["request_id"] == response.headers["x-request-id"]
    assert ("www-authenticate" in response.headers) == (status == 401)
    return document


def code_of(response: httpx2.Response) -> str:
    """What became of the request, in a word: the problem's code, or the status of a success."""
    if response.is_success:
        return str(response.status_code)
    return str(response.json()["type"]).removeprefix("/problems/")


async def until_answered(code: str, send: Callable[[], Awaitable[httpx2.Response]]) -> None:
    """Send the request again and again until `code_of` its answer is this."""

    async def probe() -> bool:
        return code_of(await send()) == code

    await until(probe, f"an answer {code}")


def time_of(text: str) -> datetime:
    assert TIME.fullmatch(text), f"not a time in UTC with a Z: {text}"
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Observation:
    """All that an answer tells, but for what differs from one request to the next, and for how long to wait."""

    status: int
    headers: list[tuple[str, str]]
    body: str
    retry_after: int = field(compare=False)


def observe(response: httpx2.Response, person: Person) -> Observation:
    """The order of headers and members is kept: it could tell something, too."""
    headers = [
        (name, "SECONDS" if name == "retry-after" else value)
        for name, value in response.headers.multi_items()
        if name not in {"date", "x-request-id"}
    ]
    body = response.text
    for varying, word in {response.headers["x-request-id"]: "REQUEST", person.email: "EMAIL"}.items():
        body = body.replace(varying, word)
    body = re.sub(r'(?<="retry_after":)\d+', "SECONDS", TIME.sub("TIME", body))
    return Observation(response.status_code, headers, body, int(response.headers.get("retry-after", 0)))


def wrong_code(right: Collection[str] | Mapping[str, object]) -> str:
    """A code that is none of these."""
    return next(code for code in map("{:04}".format, range(10_000)) if code not in right)
