"""Whatever the mail provider does, registering goes on as if nothing were, and the mail arrives in the end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.end_to_end.client import Client, somebody, time_of
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import Service
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.waiting import until
from tests.private_database import Databases

MORE_THAN_ARE_SENT_AT_ONCE = 60


@pytest.fixture(scope="module")
async def stage(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Hides the one where nothing goes wrong."""
    async with open_stage(databases.fresh(), tmp_path_factory.mktemp("stage")) as stage:
        yield stage
        assert [service.errors() for service in stage.services] == [[]] * len(stage.services)


@pytest.fixture(scope="module")
async def service(stage: Stage) -> Service:
    return await stage.serve()


@pytest.fixture(autouse=True)
async def well_behaved(sandbox: Sandbox) -> AsyncIterator[None]:
    yield
    await sandbox.misbehave()


async def test_a_provider_that_hangs_slows_no_registration_and_no_other_request(
    service: Service, sandbox: Sandbox
) -> None:
    client, people = service.client, [somebody() for _ in range(MORE_THAN_ARE_SENT_AT_ONCE)]
    before = attempts_ended(service)
    await sandbox.misbehave(hang=1)

    answers = await asyncio.gather(*map(client.register, people))
    looks = await asyncio.gather(*map(client.look, people))

    assert attempts_ended(service) == before, "somebody waited for the provider"
    assert {answer.status_code for answer in answers} == {202}
    activations = [look.json()["activation"] for look in looks]
    assert {(activation["mail"], activation["code_expires_at"]) for activation in activations} == {
        ("queued", None)
    }
    sandbox.stop()
    await sandbox.start()
    await sandbox.has_reached(people, seconds=30)


async def test_while_the_provider_is_down_registrations_are_accepted_and_mailed_when_it_is_back(
    own_stage: Stage,
) -> None:
    client, sandbox = (await own_stage.serve()).client, own_stage.sandbox
    sandbox.stop()
    ann, bob = somebody(), somebody()
    assert (await client.register(ann)).status_code == 202
    assert (await client.register(bob)).status_code == 202

    degraded = await until(lambda: readiness(client, "degraded"), "readiness tells that mail is down")
    assert degraded == {"status": "degraded", "checks": {"database": "ok", "mail": "down"}}
    pending = (await client.look(ann)).json()
    assert pending["activation"]["mail"] == "queued"

    await sandbox.start()
    for person in (ann, bob):
        code = (await sandbox.newest(person.email, seconds=30)).code
        assert (await client.activate(person, code)).status_code == 200
    await until(lambda: readiness(client, "ok"), "readiness tells that mail is back")


@pytest.mark.parametrize("fault", ["too_many", "error", "cut_before"])
async def test_a_mail_that_was_not_taken_is_sent_again(client: Client, sandbox: Sandbox, fault: str) -> None:
    ann, before = somebody(), len(await sandbox.all_attempts())
    await sandbox.misbehave(**{fault: 1})
    assert (await client.register(ann)).status_code == 202

    async def has_failed() -> bool:
        return len(await sandbox.all_attempts()) > before

    await until(has_failed, "the first attempt")
    await sandbox.misbehave()

    code = (await sandbox.newest(ann.email, seconds=30)).code
    assert (await client.activate(ann, code)).status_code == 200
    attempts = (await sandbox.all_attempts())[before:]
    assert len({attempt.mail_id for attempt in attempts}) == 1
    assert [attempt.accepted for attempt in attempts] == [False] * (len(attempts) - 1) + [True]


async def test_a_mail_whose_acceptance_was_not_heard_of_is_sent_again_with_the_same_code_and_id(
    client: Client, sandbox: Sandbox
) -> None:
    ann = somebody()
    await sandbox.misbehave(cut_after=1)
    assert (await client.register(ann)).status_code == 202
    await sandbox.newest(ann.email)
    await sandbox.misbehave()

    await client.accepted(ann)

    mails = await sandbox.mails(ann.email)
    attempts = await sandbox.attempts(ann.email)
    assert len(mails) == len(attempts) >= 2
    assert len(set(mails)) == 1
    assert len({attempt.mail_id for attempt in attempts}) == 1
    assert (await client.activate(ann, mails[0].code)).status_code == 200


async def test_a_slow_provider_does_not_eat_the_users_minute(stage: Stage, sandbox: Sandbox) -> None:
    minute, ann = timedelta(seconds=2), somebody()
    client = (await stage.serve(code_ttl_seconds=minute.seconds)).client
    await sandbox.misbehave(slow=1, slow_seconds=minute.seconds + 0.5)

    await client.register(ann)
    pending = (await client.look(ann)).json()
    assert (pending["activation"]["mail"], pending["activation"]["code_expires_at"]) == ("queued", None)

    code = (await sandbox.newest(ann.email)).code
    activation = (await client.accepted(ann))["activation"]
    assert time_of(activation["code_expires_at"]) > time_of(pending["registered_at"]) + 2 * minute
    assert (await client.activate(ann, code)).status_code == 200


def attempts_ended(service: Service) -> int:
    return sum(line["event"] == "mail_attempted" for line in service.log())


async def readiness(client: Client, status: str) -> dict[str, Any] | None:
    response = await client.readiness()
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document if document["status"] == status else None
