"""The sandbox as a program."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.integration.sandbox.examples import MAIL

PROGRAM = "import sys; from registration.sandbox.server import run_sandbox; run_sandbox('127.0.0.1', int(sys.argv[1]))"


@asynccontextmanager
async def running(port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(port),
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
