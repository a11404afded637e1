"""Whether a provider is there, asked without a mail."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from registration.adapters.mail.client import Unreachable, ask
from registration.adapters.mail.provider import Provider
from registration.adapters.mail.providers import PROVIDERS, make_provider
from registration.sandbox.app import create_sandbox
from tests.integration.mail.certificates import self_signed
from tests.integration.mail.servers import Behave, close_at_once, provider, stall, trickle, unused_port
from tests.unit.mail.examples import settings

IMPATIENT = 0.2
KEY = "user:secret-key"


def at(url: str, name: str = "mailpit") -> Provider:
    return make_provider(name, settings(api_url=url, api_key=KEY))


class Recorder:
    """A provider that answers everything so, and keeps what it was asked."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.asked: list[web.BaseRequest] = []
        self._answer = status, headers

    def server(self) -> TestServer:
        async def answer(request: web.BaseRequest) -> web.Response:
            self.asked.append(request)
            status, headers = self._answer
            return web.Response(status=status, headers=headers)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        return TestServer(app)


@pytest.mark.parametrize("status", [200, 401, 404, 503])
async def test_any_answer_of_http_is_one(status: int) -> None:
    async with Recorder(status).server() as server:
        assert await ask(at(str(server.make_url("")))) == status


@pytest.mark.parametrize("name", PROVIDERS)
async def test_one_question_is_asked_that_changes_nothing(name: str) -> None:
    recorder = Recorder(200)
    async with recorder.server() as server:
        await ask(at(str(server.make_url("")), name))
    [request] = recorder.asked
    assert request.method == "GET"
    assert not request.body_exists


@pytest.mark.parametrize("name", PROVIDERS)
async def test_the_key_is_shown_only_where_the_answer_tells_of_it(name: str) -> None:
    recorder = Recorder(200)
    async with recorder.server() as server:
        asked = at(str(server.make_url("")), name)
        await ask(asked)
    [request] = recorder.asked
    usual = {"Host", "User-Agent", "Accept", "Accept-Encoding"}
    shown = set(request.headers) - usual
    assert bool(shown) == asked.inquiry().shows_key
    assert KEY not in repr(asked.inquiry())


async def test_the_sandbox_answers() -> None:
    async with TestServer(create_sandbox(lambda _: None)) as server:
        assert await ask(at(str(server.make_url("")))) == 200


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    elsewhere = Recorder(200)
    async with elsewhere.server() as other:
        redirect = Recorder(302, {"Location": str(other.make_url("/"))})
        async with redirect.server() as server:
            assert await ask(at(str(server.make_url("")))) == 302
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    "behave, reason",
    [(close_at_once, "(answer|connection) lost"), (stall, "out of time"), (trickle, "answer is not HTTP")],
)
async def test_a_provider_that_gives_none_is_unreachable(behave: Behave, reason: str) -> None:
    async with provider(behave) as url, asyncio.timeout(20):
        with pytest.raises(Unreachable, match=reason):
            await ask(at(url), IMPATIENT)


async def test_a_provider_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="connection refused"):
        await ask(at(f"http://127.0.0.1:{unused_port()}"))


async def test_a_provider_whose_certificate_is_not_trusted_is_unreachable(tmp_path: Path) -> None:
    async with provider(stall, self_signed(tmp_path)) as url:
        with pytest.raises(Unreachable, match="certificate not trusted"):
            await ask(at(url))
