import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle

import httpx2
import pytest

from tests.end_to_end.client import Client, Person, code_of, problem, somebody
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import LENIENT, Service
from tests.end_to_end.stage import Stage, registered
from tests.end_to_end.tables import accounts_of, mails_of, wrong_codes_of
from tools.addresses import LOOPBACK, free_port

HUNDREDS = 200
TOO_SLOW = {"unavailable", "overloaded"}
"""For where hundreds take their turns on one address, a busy machine may let the last of them wait too long."""

ACTIVATED = "registration_activated_total "

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


@pytest.fixture(scope="module")
async def proxied_services(stage: Stage) -> list[Service]:
    """Two processes that believe what their proxy says of whom it asks for."""
    settings = {**LENIENT, "trusted_proxies": "127.0.0.0/8"}
    return [await stage.serve(**settings, admin_port=free_port()) for _ in range(2)]


@pytest.fixture
def proxied(proxied_services: list[Service]) -> Clients:
    return [service.client for service in proxied_services]


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


async def test_of_hundreds_of_wrong_codes_three_are_evaluated_for_a_code_and_ten_in_a_day(
    proxied: Clients, sandbox: Sandbox, stage: Stage
) -> None:
    ann = somebody()
    assert (await proxied[0].register(ann)).status_code == 202
    evaluated = []

    for mails, fresh_client in enumerate(("203.0.113.1", "203.0.113.2", "203.0.113.3", None), start=1):
        await sandbox.newest(ann.email, count=mails)
        wrong = await sandbox.wrong_code(ann.email)
        evaluated.append(attempts_left(await show_hundreds_of_times(proxied, ann, wrong, one_of_forty)))
        if fresh_client:
            assert (await new_code_for(fresh_client, proxied[mails % 2], ann)).status_code == 202

    assert evaluated == [[2, 1, 0], [2, 1, 0], [2, 1, 0], [0]]
    assert wrong_codes_of(stage.database_url, ann.email) == [3, 3, 3, 1]
    for client in proxied:
        problem(await client.new_code(ann), 429, "too-many-attempts")
        problem(await client.register(ann), 429, "too-many-attempts")


async def test_of_hundreds_of_wrong_codes_from_one_network_five_are_evaluated_in_a_day(
    proxied: Clients, sandbox: Sandbox, stage: Stage
) -> None:
    ann = somebody()
    assert (await proxied[0].register(ann)).status_code == 202
    evaluated = []

    for mails, fresh_client in enumerate(("203.0.113.1", None), start=1):
        await sandbox.newest(ann.email, count=mails)
        wrong = await sandbox.wrong_code(ann.email)
        evaluated.append(attempts_left(await show_hundreds_of_times(proxied, ann, wrong, one_of_a_network)))
        if fresh_client:
            assert (await new_code_for(fresh_client, proxied[1], ann)).status_code == 202

    assert evaluated == [[2, 1, 0], [2, 1]]
    assert wrong_codes_of(stage.database_url, ann.email) == [3, 2]
    problem(await new_code_for(one_of_a_network(HUNDREDS), proxied[0], ann), 429, "too-many-attempts")
    assert attempts_left([await show(proxied[0], ann, wrong, "203.0.113.2")]) == [0]


async def test_of_hundreds_of_right_codes_from_many_clients_one_activates(
    proxied_services: list[Service], proxied: Clients, sandbox: Sandbox, stage: Stage
) -> None:
    ann = somebody()
    before = await activations(proxied_services)
    assert (await proxied[0].register(ann)).status_code == 202
    code = (await sandbox.newest(ann.email)).code

    answers = await show_hundreds_of_times(proxied, ann, code, one_of_forty)

    assert set(map(code_of, answers)) <= {"200", *TOO_SLOW}
    assert len({answer.text for answer in answers if answer.is_success}) == 1
    assert accounts_of(stage.database_url, ann.email) == ["user"]
    assert await activations(proxied_services) == before + 1


def one_of_forty(number: int) -> str:
    return f"198.51.100.{number % 40}"


def one_of_a_network(number: int) -> str:
    """Addresses that are one client."""
    return f"2001:db8:0:1::{number:x}"


async def show_hundreds_of_times(
    clients: Clients, person: Person, code: str, client_of: Callable[[int], str]
) -> list[httpx2.Response]:
    return await at_once(
        clients, HUNDREDS, lambda client, number: show(client, person, code, client_of(number))
    )


async def show(service: Client, person: Person, code: str, client: str) -> httpx2.Response:
    headers = {"X-Forwarded-For": client}
    return await service.request("POST", "/v1/users/activation", person, headers=headers, json={"code": code})


async def new_code_for(client: str, service: Client, person: Person) -> httpx2.Response:
    headers = {"X-Forwarded-For": client}
    return await service.request("POST", "/v1/users/activation-code", person, headers=headers)


async def activations(services: Sequence[Service]) -> float:
    """How many each process has announced, in all; an announcement comes with the answer."""
    count = 0.0
    async with httpx2.AsyncClient(trust_env=False) as http:
        for service in services:
            figures = await http.get(f"http://{LOOPBACK}:{service.settings['admin_port']}/metrics")
            (line,) = (line for line in figures.text.splitlines() if line.startswith(ACTIVATED))
            count += float(line.removeprefix(ACTIVATED))
    return count


def attempts_left(answers: Sequence[httpx2.Response]) -> list[int]:
    """After each wrong code that was evaluated; all others were refused for there being too many."""
    assert set(map(code_of, answers)) <= {"incorrect-code", "too-many-attempts", *TOO_SLOW}
    left = [answer.json()["attempts_left"] for answer in answers if code_of(answer) == "incorrect-code"]
    return sorted(left, reverse=True)
