"""An owner and a stranger register one address in turn. Whose code the owner's mailbox got last, theirs it activates."""

import asyncio
from collections.abc import Sequence
from itertools import product

from tests.end_to_end.client import OTHER_PASSWORD, Person, code_of, problem, somebody
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import Service
from tests.end_to_end.stage import Stage, past_the_join_window
from tests.end_to_end.tables import accounts_of

OWNER, STRANGER = "owner", "stranger"


async def register_in_turn(service: Service, sandbox: Sandbox, people: Sequence[Person]) -> list[str]:
    """Return the code that each registration brought."""
    codes: list[str] = []
    for person in people:
        assert (await service.client.register(person)).status_code == 202
        codes.append((await sandbox.newest(person.email, count=len(codes) + 1)).code)
        await past_the_join_window(service, person)
    return codes


async def test_a_code_activates_the_password_that_it_was_mailed_for(
    lenient: Service, sandbox: Sandbox, stage: Stage
) -> None:
    """In every order of two and of three registrations."""
    client = lenient.client

    async def go_through(order: Sequence[str]) -> None:
        ann = somebody()
        passwords = {OWNER: ann, STRANGER: ann.with_password(OTHER_PASSWORD)}
        people = [passwords[who] for who in order]
        *stale, newest = await register_in_turn(lenient, sandbox, people)
        (other,) = set(passwords.values()) - {people[-1]}

        for code in stale:
            if code != newest:  # as one in ten thousand is
                problem(await client.activate(people[-1], code), 422, "incorrect-code", {"attempts_left"})
        for code in (*stale, newest):
            problem(await client.activate(other, code), 401, "invalid-credentials")
        assert accounts_of(stage.database_url, ann.email) == ["registration"], order

        assert (await client.activate(people[-1], newest)).status_code == 200, order
        assert (await client.look(people[-1])).json()["status"] == "active", order
        assert code_of(await client.look(other)) == "invalid-credentials", order

    orders = [order for length in (2, 3) for order in product((OWNER, STRANGER), repeat=length)]
    await asyncio.gather(*map(go_through, orders))


async def test_what_the_stranger_asks_for_does_not_activate_the_owner(
    lenient: Service, sandbox: Sandbox, stage: Stage
) -> None:
    client = lenient.client
    owner = somebody()
    stranger = owner.with_password(OTHER_PASSWORD)
    await register_in_turn(lenient, sandbox, [owner, stranger])

    problem(await client.new_code(owner), 401, "invalid-credentials")
    assert (await client.new_code(stranger)).status_code == 202
    asked_for = (await sandbox.newest(owner.email, count=3)).code

    problem(await client.activate(owner, asked_for), 401, "invalid-credentials")
    assert (await client.register(owner)).status_code == 202
    newest = (await sandbox.newest(owner.email, count=4)).code
    if asked_for != newest:
        problem(await client.activate(owner, asked_for), 422, "incorrect-code", {"attempts_left"})
    problem(await client.activate(stranger, asked_for), 401, "invalid-credentials")
    assert (await client.activate(owner, newest)).status_code == 200
    assert accounts_of(stage.database_url, owner.email) == ["user"]


async def test_a_stranger_who_comes_after_the_activation_gets_no_user(
    lenient: Service, sandbox: Sandbox, stage: Stage
) -> None:
    client = lenient.client
    owner = somebody()
    stranger = owner.with_password(OTHER_PASSWORD)
    (code,) = await register_in_turn(lenient, sandbox, [owner])
    user = (await client.activate(owner, code)).json()

    assert (await client.register(stranger)).status_code == 202
    await sandbox.newest(owner.email, count=2)

    problem(await client.activate(stranger, code), 422, "incorrect-code", {"attempts_left"})
    assert (await client.look(owner)).json() == user
    assert accounts_of(stage.database_url, owner.email) == ["registration", "user"]
