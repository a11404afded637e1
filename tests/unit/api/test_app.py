from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from registration.api.app import create_api
from registration.api.services import Services
from tests.unit.api.support import Recorder


async def test_the_services_are_open_while_the_application_runs_and_no_longer() -> None:
    happened: list[str] = []

    @asynccontextmanager
    async def open_services() -> AsyncIterator[Services]:
        async with Recorder().open_services() as services:
            happened.append("opened")
            yield services
            happened.append("closed")

    api = create_api(open_services)
    assert happened == []
    async with api.router.lifespan_context(api):
        assert happened == ["opened"]
    assert happened == ["opened", "closed"]
