"""A registration of an address that has an active user, looked at through every path, by both sides."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.client import OTHER_PASSWORD, Client, Person, problem, wrong_code
from tests.end_to_end.sandbox import ReceivedMail, Sandbox
from tests.end_to_end.service import SECRET_KEY, Service
from tests.end_to_end.stage import Stage, past_the_join_window, somebody_active
from tests.end_to_end.tables import accounts_of, code_that_the_mail_stands_for


@dataclass(frozen=True, slots=True)
class Taken:
    owner: Person
    user: dict[str, Any]
    stranger: Person
    notice: ReceivedMail


async def make_taken(service: Service, sandbox: Sandbox) -> Taken:
    owner = await somebody_active(service, sandbox)
    user = (await service.client.look(owner)).json()
    stranger = owner.with_password(OTHER_PASSWORD)
    await past_the_join_window(service, owner)
    response = await service.client.register(stranger)
    assert (response.status_code, response.json()) == (202, {"email": owner.email, "code_ttl_seconds": 60})
    return Taken(owner, user, stranger, await sandbox.newest(owner.email, count=2))


@pytest.fixture(scope="module")
async def some_taken(lenient: Service, stage: Stage) -> list[Taken]:
    """Made all at once, because each takes a second."""
    return await asyncio.gather(*(make_taken(lenient, stage.sandbox) for _ in range(8)))


@pytest.fixture
def taken(some_taken: list[Taken]) -> Taken:
    return some_taken.pop()


@pytest.fixture
def client(lenient: Service) -> Client:
    return lenient.client


async def test_the_owner_is_told_and_gets_no_code(taken: Taken) -> None:
    assert taken.notice.codes == []
    assert "tried to register" in taken.notice.subject
    assert taken.stranger.password not in taken.notice.text + taken.notice.html


async def test_the_owners_credentials_go_on_showing_the_same_active_user(
    client: Client, taken: Taken
) -> None:
    owner = taken.owner

    assert (await client.look(owner)).json() == taken.user
    response = await client.activate(owner, "0000")
    assert (response.status_code, response.json()) == (200, taken.user)
    problem(await client.new_code(owner), 409, "already-active")
    assert (await client.look(owner)).json() == taken.user


async def test_the_strangers_registration_looks_pending(client: Client, taken: Taken) -> None:
    user = await client.accepted(taken.stranger)

    assert user["email"] == taken.owner.email
    assert (user["status"], user["activated_at"]) == ("pending", None)
    assert user["registered_at"] > taken.user["registered_at"]
    assert set(user["activation"]) == {"mail", "code_expires_at", "new_code_at"}


async def test_no_code_activates_it_not_even_the_one_that_its_mail_would_have_brought(
    client: Client, sandbox: Sandbox, stage: Stage, taken: Taken
) -> None:
    notices = [attempt.mail_id for attempt in await sandbox.attempts(taken.owner.email) if not attempt.code]
    (notice,) = notices
    code = await code_that_the_mail_stands_for(stage.database_url, SECRET_KEY, notice)

    for shown, left in ((code, 2), (wrong_code({code}), 1), (code, 0)):
        response = await client.activate(taken.stranger, shown)
        assert problem(response, 422, "incorrect-code", {"attempts_left"})["attempts_left"] == left
    problem(await client.activate(taken.stranger, code), 429, "too-many-attempts")
    assert accounts_of(stage.database_url, taken.owner.email) == ["registration", "user"]
    assert (await client.look(taken.owner)).json() == taken.user


async def test_a_new_code_for_it_is_another_notice(client: Client, sandbox: Sandbox, taken: Taken) -> None:
    assert (await client.new_code(taken.stranger)).status_code == 202
    assert (await sandbox.newest(taken.owner.email, count=3)).codes == []


async def test_erasing_it_leaves_the_owner_alone(client: Client, taken: Taken) -> None:
    assert (await client.erase(taken.stranger)).status_code == 204
    problem(await client.look(taken.stranger), 401, "invalid-credentials")
    assert (await client.look(taken.owner)).json() == taken.user


async def test_an_owner_who_leaves_does_not_hand_the_address_over(
    client: Client, stage: Stage, taken: Taken
) -> None:
    assert (await client.erase(taken.owner)).status_code == 204

    problem(await client.look(taken.owner), 401, "invalid-credentials")
    assert (await client.look(taken.stranger)).json()["status"] == "pending"
    response = await client.activate(taken.stranger, "0000")
    problem(response, 422, "incorrect-code", {"attempts_left"})
    assert "user" not in accounts_of(stage.database_url, taken.owner.email)


async def test_the_owners_own_password_registered_again_still_shows_the_active_user(
    lenient: Service, client: Client, sandbox: Sandbox, taken: Taken
) -> None:
    await past_the_join_window(lenient, taken.stranger)
    assert (await client.register(taken.owner)).status_code == 202
    await sandbox.newest(taken.owner.email, count=3)

    assert (await client.look(taken.owner)).json() == taken.user
    problem(await client.look(taken.stranger), 401, "invalid-credentials")
