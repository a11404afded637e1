from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from registration.sandbox.app import create_sandbox

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
async def sandbox(told: list[str]) -> AsyncIterator[Client]:
    async with TestClient(TestServer(create_sandbox(told.append, capacity=5))) as client:
        yield client
