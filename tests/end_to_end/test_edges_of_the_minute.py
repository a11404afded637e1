"""With a minute of two seconds."""

from datetime import timedelta

import pytest

from tests.end_to_end.client import Person, problem, somebody, time_of
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import LENIENT, Service
from tests.end_to_end.stage import Stage, registered
from tests.end_to_end.waiting import until_time

MINUTE = timedelta(seconds=2)


@pytest.fixture(scope="module")
async def hasty(stage: Stage) -> Service:
    return await stage.serve(**LENIENT, code_ttl_seconds=MINUTE.seconds)


async def two_codes(service: Service, sandbox: Sandbox) -> tuple[Person, str, str]:
    """Somebody with two codes that are different, as all but one in ten thousand are."""
    while True:
        ann = somebody()
        first = await registered(service, sandbox, ann)
        assert (await service.client.new_code(ann)).status_code == 202
        second = await sandbox.newest(ann.email, count=2)
        if first.code != second.code:
            return ann, first.code, second.code


async def test_a_code_works_to_the_end_of_its_minute_and_not_at_it(hasty: Service, sandbox: Sandbox) -> None:
    early, late = somebody(), somebody()
    early_code = (await registered(hasty, sandbox, early)).code
    late_code = (await registered(hasty, sandbox, late)).code
    ends = [
        time_of((await hasty.client.accepted(who))["activation"]["code_expires_at"]) for who in (early, late)
    ]

    await until_time(ends[0] - timedelta(seconds=1))
    assert (await hasty.client.activate(early, early_code)).status_code == 200

    await until_time(ends[1])
    problem(await hasty.client.activate(late, late_code), 410, "expired-code")


async def test_after_the_minute_a_new_code_works(hasty: Service, sandbox: Sandbox) -> None:
    ann = somebody()
    old = (await registered(hasty, sandbox, ann)).code
    await until_time(time_of((await hasty.client.accepted(ann))["activation"]["code_expires_at"]))
    problem(await hasty.client.activate(ann, old), 410, "expired-code")

    assert (await hasty.client.new_code(ann)).status_code == 202

    new = (await sandbox.newest(ann.email, count=2)).code
    if new != old:
        problem(await hasty.client.activate(ann, old), 422, "incorrect-code", {"attempts_left"})
    assert (await hasty.client.activate(ann, new)).status_code == 200


async def test_the_older_code_goes_on_working_beside_a_new_one(lenient: Service, sandbox: Sandbox) -> None:
    ann, older, _ = await two_codes(lenient, sandbox)
    assert (await lenient.client.activate(ann, older)).status_code == 200

    bob, _, newer = await two_codes(lenient, sandbox)
    assert (await lenient.client.activate(bob, newer)).status_code == 200


async def test_the_older_code_keeps_its_own_end(hasty: Service, sandbox: Sandbox) -> None:
    while True:
        ann = somebody()
        older = (await registered(hasty, sandbox, ann)).code
        end_of_older = time_of((await hasty.client.accepted(ann))["activation"]["code_expires_at"])
        await until_time(end_of_older - MINUTE / 2)
        await hasty.client.new_code(ann)
        newer = (await sandbox.newest(ann.email, count=2)).code
        if older != newer:
            break

    await until_time(end_of_older)
    problem(await hasty.client.activate(ann, older), 422, "incorrect-code", {"attempts_left"})
    assert (await hasty.client.activate(ann, newer)).status_code == 200


async def test_of_three_codes_the_oldest_is_void(lenient: Service, sandbox: Sandbox) -> None:
    while True:
        ann, first, second = await two_codes(lenient, sandbox)
        await lenient.client.new_code(ann)
        third = (await sandbox.newest(ann.email, count=3)).code
        if first not in {second, third}:
            break

    problem(await lenient.client.activate(ann, first), 422, "incorrect-code", {"attempts_left"})
    assert (await lenient.client.activate(ann, second)).status_code == 200


async def test_three_wrong_codes_void_the_live_ones_until_there_is_a_new_one(
    lenient: Service, sandbox: Sandbox
) -> None:
    ann, first, second = await two_codes(lenient, sandbox)
    wrong = await sandbox.wrong_code(ann.email)
    for _ in range(3):
        problem(await lenient.client.activate(ann, wrong), 422, "incorrect-code", {"attempts_left"})
    for code in (first, second, wrong):
        problem(await lenient.client.activate(ann, code), 429, "too-many-attempts")

    await lenient.client.new_code(ann)

    third = (await sandbox.newest(ann.email, count=3)).code
    assert (await lenient.client.activate(ann, third)).status_code == 200
