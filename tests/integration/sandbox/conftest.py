from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from registration.sandbox.app import create_sandbox
from tests.integration.sandbox.examples import mail

Client = TestClient[web.Request, web.Application]


class ServerAsItRuns(TestServer):
    """aiohttp's own, for tests, ends a handler when its client goes, which no server does by default."""

    async def _make_runner(self, **options: Any) -> web.BaseRunner:
        return await super()._make_runner(**{**options, "handler_cancellation": False})


@asynccontextmanager
async def opened(app: web.Application) -> AsyncIterator[Client]:
    async with TestClient(ServerAsItRuns(app)) as client:
        yield client


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
async def sandbox(told: list[str]) -> AsyncIterator[Client]:
    async with opened(create_sandbox(told.append, capacity=5)) as client:
        yield client


async def send(sandbox: Client, headers: dict[str, str] | None = None, **changes: Any) -> str:
    """Hand in a mail; return its ID."""
    async with sandbox.post("/api/v1/send", json=mail(**changes), headers=headers) as answer:
        mail_id: str = (await answer.json())["ID"]
        return mail_id
