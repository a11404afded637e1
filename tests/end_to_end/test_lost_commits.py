"""A commit that is lost, or whose answer is: the service repeats it, and it has happened once."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.end_to_end.client import problem, somebody
from tests.end_to_end.proxy import DatabaseProxy, Loss, open_proxy
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import LENIENT, Service
from tests.end_to_end.stage import Stage, activated, open_stage, registered, somebody_active
from tests.end_to_end.tables import accounts_of, mails_of
from tests.private_database import Databases

COMMIT = "COMMIT"


@pytest.fixture(scope="module")
async def stage(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with open_stage(databases.fresh(), tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(scope="module")
async def proxy(stage: Stage) -> AsyncIterator[DatabaseProxy]:
    async with open_proxy(stage.database_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def service(stage: Stage, proxy: DatabaseProxy) -> Service:
    return await stage.serve(**LENIENT, database_url=proxy.url)


@pytest.fixture(autouse=True)
def lose_nothing(proxy: DatabaseProxy) -> Iterator[None]:
    yield
    proxy.lose_nothing()


@pytest.mark.parametrize("loss", Loss)
async def test_a_registration_is_accepted_and_mailed_once(
    service: Service, sandbox: Sandbox, stage: Stage, proxy: DatabaseProxy, loss: Loss
) -> None:
    ann = somebody()
    proxy.lose(loss, COMMIT, times=1)

    code = (await registered(service, sandbox, ann)).code

    assert proxy.lost == 1
    assert accounts_of(stage.database_url, ann.email) == ["registration"]
    await service.client.accepted(ann)
    assert mails_of(stage.database_url, ann.email) == ["accepted"]
    assert len(await sandbox.mails(ann.email)) == 1
    assert (await service.client.activate(ann, code)).status_code == 200


@pytest.mark.parametrize("loss", Loss)
async def test_an_activation_is_answered_with_the_user(
    service: Service, sandbox: Sandbox, stage: Stage, proxy: DatabaseProxy, loss: Loss
) -> None:
    ann = somebody()
    code = (await registered(service, sandbox, ann)).code
    proxy.lose(loss, COMMIT, times=1)

    response = await service.client.activate(ann, code)

    assert proxy.lost == 1
    assert (response.status_code, response.json()["status"]) == (200, "active")
    assert accounts_of(stage.database_url, ann.email) == ["user"]
    assert (await service.client.look(ann)).json() == response.json()


@pytest.mark.parametrize("loss", Loss)
async def test_a_wrong_code_is_counted_once(
    service: Service, sandbox: Sandbox, proxy: DatabaseProxy, loss: Loss
) -> None:
    ann = somebody()
    await registered(service, sandbox, ann)
    wrong = await sandbox.wrong_code(ann.email)
    proxy.lose(loss, COMMIT, times=1)

    for left in (2, 1, 0):
        response = await service.client.activate(ann, wrong)
        document = problem(response, 422, "incorrect-code", {"attempts_left"})
        assert document["attempts_left"] == left
    assert proxy.lost == 1


@pytest.mark.parametrize("loss", Loss)
async def test_a_new_code_is_made_and_mailed_once(
    service: Service, sandbox: Sandbox, stage: Stage, proxy: DatabaseProxy, loss: Loss
) -> None:
    ann = somebody()
    await registered(service, sandbox, ann)
    proxy.lose(loss, COMMIT, times=1)

    assert (await service.client.new_code(ann)).status_code == 202

    await sandbox.newest(ann.email, count=2)
    assert proxy.lost == 1
    assert len(mails_of(stage.database_url, ann.email)) == 2


@pytest.mark.parametrize("loss", Loss)
async def test_an_erasure_is_answered_as_done(
    service: Service, sandbox: Sandbox, stage: Stage, proxy: DatabaseProxy, loss: Loss
) -> None:
    ann = await somebody_active(service, sandbox)
    proxy.lose(loss, COMMIT, times=1)

    assert (await service.client.erase(ann)).status_code == 204

    assert proxy.lost == 1
    assert accounts_of(stage.database_url, ann.email) == []


async def test_an_acceptance_whose_record_was_answered_to_nobody_is_not_a_second_mail(
    service: Service, sandbox: Sandbox, proxy: DatabaseProxy
) -> None:
    ann = somebody()
    proxy.lose(Loss.ANSWER, "UPDATE mails.*state = 'accepted'.*", times=1)

    await registered(service, sandbox, ann)
    await service.client.accepted(ann)

    assert proxy.lost == 1
    assert len(await sandbox.mails(ann.email)) == 1


async def test_commits_that_all_fail_are_unavailable_and_leave_nothing_behind(
    service: Service, sandbox: Sandbox, stage: Stage, proxy: DatabaseProxy
) -> None:
    ann, bob, cid = somebody(), somebody(), await somebody_active(service, sandbox)
    code = (await registered(service, sandbox, bob)).code
    mails_before = len(await sandbox.all_attempts())
    proxy.lose(Loss.STATEMENT, COMMIT)

    answers = await asyncio.gather(
        service.client.register(ann),
        service.client.activate(bob, code),
        service.client.erase(cid),
        service.client.new_code(bob),
    )

    for answer in answers:
        problem(answer, 503, "unavailable")
    service.answered_in_time()
    proxy.lose_nothing()
    assert accounts_of(stage.database_url, ann.email) == []
    assert mails_of(stage.database_url, ann.email) == []
    assert accounts_of(stage.database_url, bob.email) == ["registration"]
    assert accounts_of(stage.database_url, cid.email) == ["user"]
    problem(await service.client.look(ann), 401, "invalid-credentials")
    assert (await service.client.activate(bob, code)).status_code == 200
    await activated(service, sandbox, ann)
    assert len(await sandbox.all_attempts()) == mails_before + 1
