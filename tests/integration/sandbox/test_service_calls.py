"""The page's calls to the service, which go through the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from registration.sandbox.app import ServedFor, create_sandbox
from registration.sandbox.page_origin import PAGE_HEADER
from registration.sandbox.service_api import LARGEST_ANSWER_BYTES, ServiceApi
from tests.integration.sandbox.conftest import Client, opened
from tools.addresses import free_port

FROM_PAGE = {PAGE_HEADER: "1"}
REGISTER = {
    "method": "POST",
    "path": "/v1/users",
    "headers": {"Content-Type": "application/json", "Accept-Language": "de"},
    "body": '{"email": "ä@example.org"}',
}


WRONG_CALL = "method and path must be one of the service's"
WRONG_HEADERS = "headers may be accept-language, authorization, content-type, in one line each"
WRONG_BODY = "body must be text of at most 65536 characters"


class Service:
    """Answers what a test wants, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], str]] = []
        self.answer = web.Response(status=202, text='{"email":"ä"}', content_type="application/json")
        self.health: object = {"status": "ok"}
        self.delay = asyncio.Event()
        self.delay.set()

    async def handle(self, request: web.Request) -> web.Response:
        if request.path == "/health/ready":
            return web.json_response(self.health)
        self.requests.append((request.method, request.path, dict(request.headers), await request.text()))
        await self.delay.wait()
        return self.answer


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def url(service: Service) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


def sandbox_for(url: str) -> AbstractAsyncContextManager[Client]:
    return opened(create_sandbox(lambda _: None, ServedFor(url)))


@pytest.fixture
async def page(url: str) -> AsyncIterator[Client]:
    async with sandbox_for(url) as client:
        yield client


async def ask(page: Client, document: object = REGISTER, **headers: str) -> tuple[int, Any]:
    async with page.post("/sandbox/service", json=document, headers={**FROM_PAGE, **headers}) as answer:
        return answer.status, await answer.json()


async def test_a_call_arrives_as_it_was_described_and_so_does_its_answer(
    page: Client, service: Service
) -> None:
    service.answer.headers["Retry-After"] = "7"

    status, answer = await ask(page)

    ((method, path, headers, body),) = service.requests
    assert (method, path, body) == ("POST", "/v1/users", '{"email": "ä@example.org"}')
    assert {"Content-Type": "application/json", "Accept-Language": "de"}.items() <= headers.items()
    assert PAGE_HEADER not in headers
    assert (status, answer["status"], answer["reason"]) == (200, 202, "Accepted")
    assert answer["body"] == '{"email":"ä"}'
    assert ["Retry-After", "7"] in answer["headers"]
    assert answer["milliseconds"] >= 0


async def test_what_is_not_sent_is_not_made_up(page: Client, service: Service) -> None:
    await ask(page, {"method": "DELETE", "path": "/v1/users/me", "headers": {"Authorization": "Basic eDp5"}})

    ((method, path, headers, body),) = service.requests
    assert (method, path, headers["Authorization"], body) == ("DELETE", "/v1/users/me", "Basic eDp5", "")
    assert "Content-Type" not in headers


async def test_a_redirect_is_shown_and_not_followed(page: Client, service: Service) -> None:
    service.answer = web.Response(status=307, headers={"Location": "http://elsewhere.example/"})

    _, answer = await ask(page)

    assert (answer["status"], len(service.requests)) == (307, 1)


async def test_an_endless_answer_is_cut(page: Client, service: Service) -> None:
    service.answer = web.Response(text="x" * (LARGEST_ANSWER_BYTES + 1))

    _, answer = await ask(page)

    assert len(answer["body"]) == LARGEST_ANSWER_BYTES


@pytest.mark.parametrize(
    "changed, error",
    [
        ({"path": "/health/ready", "method": "GET"}, WRONG_CALL),
        ({"path": "/v1/users?x"}, WRONG_CALL),
        ({"path": "@elsewhere.example/"}, WRONG_CALL),
        ({"path": ["/v1/users"]}, WRONG_CALL),
        ({"method": "PUT"}, WRONG_CALL),
        ({"headers": {"Host": "x"}}, WRONG_HEADERS),
        ({"headers": {"Content-Type": "a\r\nb"}}, WRONG_HEADERS),
        ({"headers": {"Content-Type": 1}}, WRONG_HEADERS),
        ({"headers": []}, WRONG_HEADERS),
        ({"body": {}}, WRONG_BODY),
        ({"body": "x" * 65537}, WRONG_BODY),
    ],
    ids=str,
)  # fmt: skip
async def test_anything_but_the_services_calls_is_refused(
    page: Client, service: Service, changed: dict[str, object], error: str
) -> None:
    assert await ask(page, {**REGISTER, **changed}) == (400, {"Error": error})
    assert service.requests == []


async def test_what_is_no_call_is_refused(page: Client) -> None:
    assert await ask(page, []) == (400, {"Error": "the body must be an object"})
    async with page.post("/sandbox/service", data="{", headers=FROM_PAGE) as answer:
        assert (answer.status, await answer.json()) == (400, {"Error": "the body is not JSON"})


async def test_no_service_is_said_plainly() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with sandbox_for(url) as page:
        assert await ask(page) == (200, {"problem": f"Nothing answers at {url}."})
        async with page.get("/sandbox/service") as answer:
            assert await answer.json() == {"url": url, "status": None}


async def test_a_service_that_does_not_answer_is_not_waited_for_for_ever(service: Service, url: str) -> None:
    service.delay.clear()
    app = web.Application()
    api = ServiceApi(url, patience_seconds=0.1)
    app.add_routes(api.routes())
    app.cleanup_ctx.append(api.lifespan)
    async with opened(app) as page:
        assert await ask(page) == (200, {"problem": f"{url} did not answer in time."})
    service.delay.set()


async def test_what_is_not_http_is_said_plainly() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.example.org\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with sandbox_for(url) as page:
            assert await ask(page) == (200, {"problem": f"What came from {url} was no answer."})
            async with page.get("/sandbox/service") as answer:
                assert (await answer.json())["status"] is None


@pytest.mark.parametrize(
    "health, status",
    [
        ({"status": "ok"}, "ok"),
        ({"status": "degraded"}, "degraded"),
        ({"status": "unavailable"}, "unavailable"),
        ({"status": "<b>"}, None),
        ({"status": []}, None),
        ({}, None),
        ([], None),
    ],
    ids=str,
)
async def test_the_page_is_told_where_the_service_is_and_how(
    page: Client, service: Service, url: str, health: object, status: str | None
) -> None:
    service.health = health

    async with page.get("/sandbox/service") as answer:
        assert await answer.json() == {"url": url, "status": status}


@pytest.mark.parametrize("host", ["localhost:8025", "127.0.0.1", "127.0.0.2:1", "[::1]:8025"])
async def test_the_page_may_be_opened_by_any_name_of_this_machine(page: Client, host: str) -> None:
    status, _ = await ask(page, Host=host, Origin=f"http://{host}")

    assert status == 200


@pytest.mark.parametrize(
    "host", ["elsewhere.example:8025", "192.168.1.5", "127.0.0.1.elsewhere.example", "[::1"]
)
async def test_a_name_that_leads_here_by_somebody_elses_word_is_refused(
    page: Client, service: Service, host: str
) -> None:
    status, _ = await ask(page, Host=host)

    assert (status, service.requests) == (403, [])


async def test_without_the_header_that_only_our_page_sends_a_call_is_refused(
    page: Client, service: Service
) -> None:
    async with page.post("/sandbox/service", json=REGISTER) as answer:
        assert answer.status == 403
    assert service.requests == []


@pytest.mark.parametrize(
    "origin", ["http://elsewhere.example", "null", "", "http://127.0.0.1", "http://[::1"]
)
@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", "/sandbox/service"),
        ("PUT", "/sandbox/faults"),
        ("POST", "/api/v1/send"),
        ("DELETE", "/api/v1/messages"),
    ],
)
async def test_another_sites_page_can_do_nothing(
    page: Client, service: Service, method: str, path: str, origin: str
) -> None:
    headers = {**FROM_PAGE, "Origin": origin}
    async with page.request(method, path, json={}, headers=headers) as answer:
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    async with page.options(path, headers={**headers, "Access-Control-Request-Method": method}) as answer:
        assert answer.status == 403
    assert service.requests == []
