from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.unit.api.support import Recorder, client_of


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def client(recorder: Recorder) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(recorder) as client:
        yield client
