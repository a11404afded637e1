"""The sandbox as a program."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.integration.sandbox.examples import MAIL


@asynccontextmanager
async def running(port: int, /, *options: str, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRATION_")}
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "registration", "sandbox", "--port", str(port), *options],
        env=others | {f"REGISTRATION_{name.upper()}": value for name, value in settings.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(20):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    return (await process.stdout.readline()).decode().rstrip("\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_says_where_it_is_shows_codes_and_ends_when_told_to_even_while_watched(
    number: signal.Signals,
) -> None:
    async with running(0) as sandbox, aiohttp.ClientSession() as browser:
        url = (await line(sandbox)).removeprefix("Inbox: ").rstrip("/")
        async with browser.post(f"{url}/api/v1/send", json=MAIL) as answer:
            assert answer.status == 200
        assert await line(sandbox) == "zoe@example.org  Your code  0042"

        async with browser.get(f"{url}/sandbox/events") as events:
            await events.content.readline()
            sandbox.send_signal(number)
            _, errors = await sandbox.communicate()

    assert (sandbox.returncode, errors) == (0, b"")


async def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with running(port) as sandbox:
            output, errors = await sandbox.communicate()

    assert sandbox.returncode == 1
    assert output == b""
    assert errors.decode() == (
        f"port {port} of 127.0.0.1 is already taken; choose another with --port or --host\n"
    )


@pytest.mark.parametrize(
    "options, settings, url",
    [
        ([], {}, "http://127.0.0.1:8000"),
        ([], {"host": "127.0.0.2", "port": "9000"}, "http://127.0.0.2:9000"),
        ([], {"host": "0.0.0.0"}, "http://127.0.0.1:8000"),  # noqa: S104 - nothing is bound
        ([], {"host": "::"}, "http://[::1]:8000"),
        ([], {"host": "::2"}, "http://[::2]:8000"),
        (["--service-url", "https://service.example/"], {"port": "9000"}, "https://service.example"),
    ],
    ids=str,
)
async def test_the_service_is_looked_for_where_it_listens_or_where_one_says(
    options: list[str], settings: dict[str, str], url: str
) -> None:
    async with running(0, *options, **settings) as sandbox, aiohttp.ClientSession() as browser:
        inbox = (await line(sandbox)).removeprefix("Inbox: ")
        async with browser.get(f"{inbox}sandbox/service") as answer:
            assert (await answer.json())["url"] == url


async def test_the_page_is_told_how_long_codes_work() -> None:
    async with running(0, code_ttl_seconds="90") as sandbox, aiohttp.ClientSession() as browser:
        inbox = (await line(sandbox)).removeprefix("Inbox: ")
        async with browser.get(f"{inbox}sandbox/events") as events:
            lines = [await events.content.readline() for _ in range(4)]

    assert b'data: {"code_ttl_seconds": 90}\n' in lines


@pytest.mark.parametrize(
    "url", ["service.example", "ftp://service.example", "http://", "http://[::1", "http://x:y"]
)
async def test_what_is_no_web_address_is_refused_in_one_line(url: str) -> None:
    async with running(0, "--service-url", url) as sandbox:
        output, errors = await sandbox.communicate()

    assert (sandbox.returncode, output) == (2, b"")
    assert errors.decode() == (
        "Invalid value for '--service-url': must be http:// or https:// and a host, with its port if need be\n"
    )
