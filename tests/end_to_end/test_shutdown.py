import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.end_to_end.client import somebody
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.tables import mails_of
from tests.end_to_end.waiting import until
from tests.private_database import Databases

STOP_SECONDS = 10
SLOW_SECONDS = 1


@pytest.fixture(scope="module")
async def stage(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with open_stage(databases.fresh(), tmp_path_factory.mktemp("stage")) as stage:
        yield stage
        assert [service.errors() for service in stage.services] == [[]] * len(stage.services)


async def test_a_service_that_is_told_to_stop_waits_for_the_mails_on_the_wire_and_ends_well(
    stage: Stage, sandbox: Sandbox
) -> None:
    service = await stage.serve()
    people = [somebody() for _ in range(20)]
    await sandbox.misbehave(slow=1, slow_seconds=SLOW_SECONDS)
    await asyncio.gather(*map(service.client.register, people))

    async def all_are_handed_in() -> bool:
        return len(await sandbox.all_attempts()) == len(people)

    await until(all_are_handed_in, "all mails are handed in")
    service.ask_to_stop()

    assert await service.exit_status(STOP_SECONDS) == 0
    await sandbox.misbehave()
    assert {state for person in people for state in mails_of(stage.database_url, person.email)} == {
        "accepted"
    }


async def test_requests_that_run_when_a_service_is_told_to_stop_are_answered_and_nothing_of_them_is_lost(
    stage: Stage, sandbox: Sandbox
) -> None:
    service = await stage.serve(bcrypt_cost=10)
    client, people = service.client, [somebody() for _ in range(12)]
    running = [asyncio.create_task(client.register(person)) for person in people]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    service.ask_to_stop()

    assert await service.exit_status(STOP_SECONDS) == 0
    answers = await asyncio.gather(*running)
    assert [answer.status_code for answer in answers] == [202] * len(people)
    with pytest.raises(httpx2.ConnectError):
        await client.liveness()

    await service.start()
    await sandbox.has_reached(people)
    looks = await asyncio.gather(*map(client.look, people))
    assert [look.status_code for look in looks] == [200] * len(people)
