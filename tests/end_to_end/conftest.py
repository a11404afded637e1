import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.end_to_end.client import Client
from tests.end_to_end.crashes import CRASHES, Crash, DatabaseCrashes
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import LENIENT, Service
from tests.end_to_end.stage import Stage, open_stage
from tests.private_database import Databases, migrate, open_server


@pytest.fixture(scope="session")
async def stage(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Where nothing goes wrong; tests share it and keep apart by their addresses."""
    async with open_stage(databases.fresh(), tmp_path_factory.mktemp("stage")) as stage:
        yield stage
        assert [service.errors() for service in stage.services] == [[]] * len(stage.services)


@pytest.fixture
def sandbox(stage: Stage) -> Sandbox:
    return stage.sandbox


@pytest.fixture(scope="session")
async def service(stage: Stage) -> Service:
    """With every limit as it is by default."""
    return await stage.serve()


@pytest.fixture
def client(service: Service) -> Client:
    return service.client


@pytest.fixture(scope="session")
async def lenient(stage: Stage) -> Service:
    """On the same database, without limits on mails."""
    return await stage.serve(**LENIENT)


@pytest.fixture(scope="session")
async def costly(stage: Stage) -> Service:
    """On the same database, with hashes that take their time."""
    return await stage.serve(**LENIENT, bcrypt_cost=10)


@pytest.fixture
async def own_stage(databases: Databases, tmp_path: Path) -> AsyncIterator[Stage]:
    """For a test that breaks something."""
    async with open_stage(databases.fresh(), tmp_path) as stage:
        yield stage


@pytest.fixture(scope="session")
async def crashes(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """Everything that dies, each on a stage of its own."""

    async def run(crash: Crash, database_url: str) -> None:
        async with open_stage(database_url, tmp_path_factory.mktemp("crash")) as stage:
            await crash(stage)

    with open_server() as server:
        migrate(server.url())
        urls = [databases.fresh() for _ in CRASHES]
        tasks = {
            name: asyncio.create_task(run(crash, url))
            for (name, crash), url in zip(CRASHES.items(), urls, strict=True)
        }
        breaking = DatabaseCrashes(server).killed_and_then_hanging
        tasks["database"] = asyncio.create_task(run(breaking, server.url()))
        yield tasks
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.fixture(scope="session", autouse=True)
def begin_early(request: pytest.FixtureRequest) -> None:
    """What takes half a minute of waiting begins with the first test here, and is looked at by the last."""
    if any(
        "crashes" in item.fixturenames for item in request.session.items if isinstance(item, pytest.Function)
    ):
        request.getfixturevalue("crashes")
