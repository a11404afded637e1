import asyncio
import logging
import signal
import socket

import httpx2
import pytest
import structlog
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from registration.admin.server import CannotListen, listen, serve
from tools.addresses import LOOPBACK, free_port

EVERYWHERE = "0.0.0.0"  # noqa: S104 - it is taken


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("hello")(scope, receive, send)


async def ask(host: str, port: int) -> str:
    async with httpx2.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://{host}:{port}/")).text


async def test_it_answers_from_the_beginning_of_the_block_to_its_end() -> None:
    port = free_port()
    async with serve(hello, LOOPBACK, port):
        assert await ask(LOOPBACK, port) == "hello"
    with pytest.raises(httpx2.ConnectError):
        await ask(LOOPBACK, port)


async def test_a_host_may_be_of_ipv6() -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as free:
            port = free.getsockname()[1]
    except OSError:
        pytest.skip("there is no IPv6 here")
    async with serve(hello, "::1", port):
        assert await ask("[::1]", port) == "hello"


async def test_signals_stay_with_whom_they_were() -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    port = free_port()
    async with serve(hello, LOOPBACK, port):
        await ask(LOOPBACK, port)
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


async def test_it_does_not_wait_for_an_answer_that_never_comes() -> None:
    asked = asyncio.Event()

    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        await asyncio.Event().wait()

    port = free_port()
    async with asyncio.timeout(10):
        async with serve(never, LOOPBACK, port):
            asking = asyncio.create_task(ask(LOOPBACK, port))
            await asked.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.parametrize("host", [LOOPBACK, EVERYWHERE])
def test_a_port_that_is_taken_says_so(host: str) -> None:
    with listen(LOOPBACK, free_port()) as taken, pytest.raises(CannotListen, match="Address already in use"):
        listen(host, taken.getsockname()[1])


@pytest.mark.parametrize("host", ["a..b", "nowhere.invalid", "é" * 70])
def test_a_host_that_nobody_knows_says_so(host: str) -> None:
    with pytest.raises(CannotListen, match="no such host"):
        listen(host, free_port())


def test_a_host_that_there_is_not_says_so() -> None:
    with pytest.raises(CannotListen, match="Cannot assign requested address"):
        listen("192.0.2.1", free_port())


async def test_what_it_says_in_the_log_is_told_apart_from_what_the_public_server_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    named: dict[str, object] = {}

    class Named(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            named[record.getMessage()] = structlog.contextvars.get_contextvars().get("server")
            return True

    uvicorns, named_filter = logging.getLogger("uvicorn.error"), Named()
    uvicorns.addFilter(named_filter)
    try:
        with caplog.at_level(logging.INFO, "uvicorn.error"):
            async with serve(hello, LOOPBACK, free_port()):
                await asyncio.sleep(0)
                uvicorns.info("ours")
    finally:
        uvicorns.removeFilter(named_filter)
    assert named["Shutting down"] == "admin"
    assert named["ours"] is None
