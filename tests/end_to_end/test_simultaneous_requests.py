import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle

import httpx2
import pytest

from tests.end_to_end.client import Client, code_of, problem, somebody
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import Service
from tests.end_to_end.stage import Stage, registered
from tests.end_to_end.tables import accounts_of, mails_of

Clients = Sequence[Client]


@pytest.fixture(scope="module")
async def second_service(stage: Stage) -> Service:
    return await stage.serve()


@pytest.fixture(params=["one process", "two processes"])
def clients(request: pytest.FixtureRequest, service: Service) -> Clients:
    if request.param == "one process":
        return [service.client]
    second: Service = request.getfixturevalue("second_service")
    return [service.client, second.client]


async def at_once(
    clients: Clients, count: int, send: Callable[[Client, int], Awaitable[httpx2.Response]]
) -> list[httpx2.Response]:
    """Send the requests at the same instant, in turn to the services; their connections are open already."""
    in_turn = [client for client, _ in zip(cycle(clients), range(count), strict=False)]
    await asyncio.gather(*(client.liveness() for client in in_turn))
    return await asyncio.gather(*(send(client, number) for number, client in enumerate(in_turn)))


async def test_twenty_registrations_of_one_address_are_one_with_one_mail(
    clients: Clients, sandbox: Sandbox, stage: Stage
) -> None:
    """With several passwords, of which one is the registration's."""
    ann = somebody()
    people = [ann.with_password(f"{ann.password} {number}") for number in range(5)]

    answers = await at_once(clients, 20, lambda client, number: client.register(people[number % 5]))

    assert [answer.status_code for answer in answers] == [202] * 20
    assert accounts_of(stage.database_url, ann.email) == ["registration"]
    mail = await sandbox.newest(ann.email)
    assert len(mails_of(stage.database_url, ann.email)) == 1
    looks = [await clients[0].look(person) for person in people]
    assert Counter(map(code_of, looks)) == {"200": 1, "invalid-credentials": 4}
    (winner,) = [person for person, look in zip(people, looks, strict=True) if look.is_success]
    assert (await clients[-1].activate(winner, mail.code)).status_code == 200


async def test_fifty_right_activations_make_one_user(
    clients: Clients, service: Service, sandbox: Sandbox, stage: Stage
) -> None:
    ann = somebody()
    code = (await registered(service, sandbox, ann)).code

    answers = await at_once(clients, 50, lambda client, _: client.activate(ann, code))

    assert [answer.status_code for answer in answers] == [200] * 50
    assert len({answer.text for answer in answers}) == 1
    assert accounts_of(stage.database_url, ann.email) == ["user"]


async def test_of_sixty_wrong_codes_three_are_evaluated_and_the_right_one_after_them_is_not(
    clients: Clients, service: Service, sandbox: Sandbox, stage: Stage
) -> None:
    ann = somebody()
    code = (await registered(service, sandbox, ann)).code
    wrong = await sandbox.wrong_code(ann.email)

    answers = await at_once(clients, 60, lambda client, _: client.activate(ann, wrong))

    assert Counter(map(code_of, answers)) == {"incorrect-code": 3, "too-many-attempts": 57}
    evaluated = [answer.json() for answer in answers if code_of(answer) == "incorrect-code"]
    assert sorted(answer["attempts_left"] for answer in evaluated) == [0, 1, 2]
    for client in clients:
        problem(await client.activate(ann, code), 429, "too-many-attempts")
    assert accounts_of(stage.database_url, ann.email) == ["registration"]


async def test_a_right_code_among_many_wrong_ones_activates_once_or_not_at_all(
    clients: Clients, service: Service, sandbox: Sandbox, stage: Stage
) -> None:
    ann = somebody()
    code = (await registered(service, sandbox, ann)).code
    wrong = await sandbox.wrong_code(ann.email)

    answers = await at_once(
        clients, 30, lambda client, number: client.activate(ann, code if number == 2 else wrong)
    )

    outcomes = Counter(map(code_of, answers))
    assert outcomes["incorrect-code"] <= 3
    if outcomes["200"]:
        assert answers[2].status_code == 200
        assert accounts_of(stage.database_url, ann.email) == ["user"]
    else:
        assert outcomes == {"incorrect-code": 3, "too-many-attempts": 27}
        assert accounts_of(stage.database_url, ann.email) == ["registration"]


async def test_erasures_all_find_the_user_gone(
    clients: Clients, service: Service, sandbox: Sandbox, stage: Stage
) -> None:
    ann = somebody()
    code = (await registered(service, sandbox, ann)).code
    assert (await service.client.activate(ann, code)).status_code == 200

    answers = await at_once(clients, 8, lambda client, _: client.erase(ann))

    assert set(map(code_of, answers)) <= {"204", "invalid-credentials"}
    assert accounts_of(stage.database_url, ann.email) == []
    assert mails_of(stage.database_url, ann.email) == []
