import uuid
from typing import Any

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from registration.api.request_boundary import RequestBoundary
from tests.readings import Readings
from tests.unit.api.support import AUTHORIZED, Recorder, problem_of


def counted(readings: Readings, method: str, route: str, status: str) -> float:
    return readings.moved("registration_requests_total", method=method, route=route, status=status)


async def test_a_request_is_counted_and_timed_by_its_route(client: httpx2.AsyncClient) -> None:
    readings = Readings()

    await client.get("/v1/users/me?x=y", headers=AUTHORIZED)
    await client.get("/v1/users/me")

    assert counted(readings, "GET", "/v1/users/me", "200") == 1
    assert counted(readings, "GET", "/v1/users/me", "401") == 1
    assert readings.moved("registration_request_seconds_count", route="/v1/users/me") == 2


@pytest.mark.parametrize(
    "method, path, labels",
    [
        ("GET", "/{made_up}", ("GET", "other", "404")),
        ("POST", "/v1/users/{made_up}", ("POST", "other", "404")),
        ("GET", "/problems/{made_up}", ("GET", "/problems/{code}", "404")),
        ("PUT", "/v1/users/me?{made_up}", ("PUT", "/v1/users/me", "405")),
        ("{made_up}", "/v1/users", ("other", "/v1/users", "405")),
    ],
)
async def test_what_a_caller_makes_up_is_never_a_label(
    client: httpx2.AsyncClient, method: str, path: str, labels: tuple[str, str, str]
) -> None:
    async def make_up() -> None:
        made_up = uuid.uuid4().hex
        await client.request(method.format(made_up=made_up), path.format(made_up=made_up))

    readings = Readings()
    await make_up()
    assert counted(readings, *labels) == 1

    readings = Readings()
    await make_up()
    assert counted(readings, *labels) == 1
    assert readings.new() == set()


async def test_an_unexpected_error_is_counted_as_the_500_that_it_is(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    recorder.refuse_everything(RuntimeError("unexpected"))
    readings = Readings()

    response = await client.get("/v1/users/me", headers=AUTHORIZED)

    assert problem_of(response) == "internal-error"
    assert counted(readings, "GET", "/v1/users/me", "500") == 1


async def test_a_request_that_nobody_waits_for_is_counted_without_a_status() -> None:
    async def never_answers(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError("nobody is there")

    readings = Readings()
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": []}
    await RequestBoundary(never_answers)(scope, receive, send)

    assert counted(readings, "GET", "other", "none") == 1
