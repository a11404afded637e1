import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send

from registration.api.app import create_api
from registration.api.request_boundary import RequestBoundary
from registration.observability.request_id import current_request_id
from tests.unit.api.support import AUTHORIZED, REQUESTS, Recorder, client_of, everything_in, problem_of

SECRET = "canary-5ecret"

EVERY_KIND_OF_ANSWER: dict[str, dict[str, Any]] = {
    **REQUESTS,
    "no JSON": {"method": "POST", "url": "/v1/users"},
    "bad members": {"method": "POST", "url": "/v1/users", "json": {}},
    "not declared as JSON": {"method": "POST", "url": "/v1/users", "content": b"x"},
    "too long": {"method": "POST", "url": "/v1/users", "content": b"x" * 20_000},
    "no credentials": {"method": "GET", "url": "/v1/users/me"},
    "not found": {"method": "GET", "url": "/v1/nothing"},
    "method not allowed": {"method": "PATCH", "url": "/v1/users/me"},
    "live": {"method": "GET", "url": "/health/live"},
    "ready": {"method": "GET", "url": "/health/ready"},
    "OpenAPI": {"method": "GET", "url": "/openapi.json"},
    "docs": {"method": "GET", "url": "/docs"},
    "script": {"method": "GET", "url": "/docs/docs.js"},
    "problem page": {"method": "GET", "url": "/problems/not-found"},
    "not found elsewhere": {"method": "GET", "url": "/nothing"},
}


@pytest.fixture
def lines() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        yield lines


@pytest.mark.parametrize("request_id", ["a", "Checkout_7.f-3A", "0" * 128])
@pytest.mark.parametrize("kind", EVERY_KIND_OF_ANSWER)
async def test_every_answer_has_the_callers_request_id(
    client: httpx2.AsyncClient, kind: str, request_id: str
) -> None:
    request = EVERY_KIND_OF_ANSWER[kind]
    headers = request.get("headers", {}) | {"X-Request-ID": request_id}

    response = await client.request(**request | {"headers": headers})

    assert response.headers.get_list("x-request-id") == [request_id]


@pytest.mark.parametrize(
    "request_id", [None, "", " ", "a b", "a/b", "é", "a" * 129, "a\tb", "a,b", "<script>", "${jndi:x}"]
)
async def test_a_request_without_a_good_id_gets_a_new_one(
    client: httpx2.AsyncClient, request_id: str | None
) -> None:
    headers = [] if request_id is None else [(b"X-Request-ID", request_id.encode())]

    first = await client.get("/health/live", headers=headers)
    second = await client.get("/health/live", headers=headers)

    assert first.headers["x-request-id"] != request_id
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert len(first.headers["x-request-id"]) == 32


@pytest.mark.parametrize("kind", EVERY_KIND_OF_ANSWER)
async def test_no_answer_under_v1_may_be_kept(client: httpx2.AsyncClient, kind: str) -> None:
    request = EVERY_KIND_OF_ANSWER[kind]

    response = await client.request(**request)

    if request["url"].startswith("/v1"):
        assert response.headers.get_list("cache-control") == ["no-store"]
    else:
        assert response.headers.get("cache-control") != "no-store"


async def test_the_request_id_is_known_to_handlers_and_to_the_tasks_that_they_start() -> None:
    known: list[str | None] = []

    class Handler(Recorder):
        async def handle(self, message: Any) -> Any:
            known.append(current_request_id())
            await asyncio.create_task(self.look())
            return None

        async def look(self) -> None:
            known.append(current_request_id())
            known.append(structlog.contextvars.get_contextvars().get("request_id"))

    async with client_of(Handler()) as client:
        await client.request(**REQUESTS["register"] | {"headers": {"X-Request-ID": "mine"}})

    assert known == ["mine", "mine", "mine"]
    assert current_request_id() is None


async def test_each_request_has_one_line_in_the_log(
    client: httpx2.AsyncClient, lines: list[structlog.typing.EventDict]
) -> None:
    await client.get("/v1/users/me", headers=AUTHORIZED | {"X-Request-ID": "mine"})

    (line,) = lines
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/v1/users/me",
        "status": 200,
        "request_id": "mine",
    }


@pytest.mark.parametrize(
    "method, url, known",
    [
        ("GET", f"/{SECRET}?{SECRET}", {"method": "GET", "route": None, "status": 404}),
        ("GET", f"/problems/{SECRET}", {"method": "GET", "route": "/problems/{code}", "status": 404}),
        ("POST", f"/v1/users?{SECRET}", {"method": "POST", "route": "/v1/users", "status": 422}),
        ("PUT", "/v1/users/me", {"method": "PUT", "route": "/v1/users/me", "status": 405}),
        (SECRET, "/v1/users", {"method": None, "route": "/v1/users", "status": 405}),
    ],
)
async def test_the_log_line_holds_nothing_that_the_caller_made_up(
    client: httpx2.AsyncClient,
    lines: list[structlog.typing.EventDict],
    method: str,
    url: str,
    known: dict[str, object],
) -> None:
    await client.request(
        method, url, json={"password": SECRET}, headers={SECRET: SECRET, "X-Request-ID": f"{SECRET}!"}
    )

    (line,) = lines
    assert known.items() <= line.items()
    assert SECRET not in repr(line)


async def test_an_unexpected_error_is_a_500_that_tells_nothing_and_is_logged_once(
    client: httpx2.AsyncClient, recorder: Recorder, lines: list[structlog.typing.EventDict]
) -> None:
    recorder.refuse_everything(RuntimeError(SECRET))

    response = await client.request(**REQUESTS["register"])

    assert response.status_code == 500
    assert problem_of(response) == "internal-error"
    assert response.headers["cache-control"] == "no-store"
    assert SECRET not in everything_in(response)
    assert "Error" not in everything_in(response)
    failure, line = lines
    assert failure["event"] == "request_failed"
    assert failure["log_level"] == "error"
    assert failure["exc_info"]
    assert failure["request_id"] == line["request_id"] == response.headers["x-request-id"]
    assert line["status"] == 500


async def test_an_error_after_the_answer_has_begun_is_logged_and_sends_no_second_one(
    lines: list[structlog.typing.EventDict],
) -> None:
    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("broke off")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing to receive")

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    await RequestBoundary(breaks_off)(scope, receive, send)

    assert [message["type"] for message in sent] == ["http.response.start"]
    assert [line["event"] for line in lines] == ["request_failed", "request"]


async def test_a_caller_who_hangs_up_while_sending_is_no_error(
    recorder: Recorder, lines: list[structlog.typing.EventDict]
) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError("nobody is there")

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/users",
        "query_string": b"",
        "headers": [],
        "state": {},
    }
    await create_api(recorder.open_services)(scope, receive, send)

    (line,) = lines
    assert line["event"] == "request"
    assert line["status"] is None


async def test_behind_a_root_path_v1_is_still_not_kept(recorder: Recorder) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "root_path": "/accounts",
        "path": "/accounts/v1/users/me",
        "query_string": b"",
        "headers": [],
    }
    async with recorder.open_services() as services:
        scope["state"] = {"services": services}
        await create_api(recorder.open_services)(scope, receive, send)

    assert sent[0]["status"] == 401
    assert (b"cache-control", b"no-store") in sent[0]["headers"]
