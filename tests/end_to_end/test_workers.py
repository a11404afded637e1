"""`serve --workers 2`: several processes behind one port, as an operator sees them live and die."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from registration.admin.server import CannotListen, listen
from tests.end_to_end.client import Client, Person, somebody
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import DEFAULTS, Service, run
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.waiting import until
from tests.private_database import Databases
from tools.addresses import LOOPBACK, free_port
from tools.private_redis import PrivateRedis, throwaway_redis

STOP_SECONDS = 10
NOBODY = "mysql://nobody:secret@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def redis(redis_program: Path) -> Iterator[PrivateRedis]:
    with throwaway_redis(redis_program) as redis:
        yield redis


@pytest.fixture(scope="module")
async def stage(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with open_stage(databases.fresh(), tmp_path_factory.mktemp("stage")) as stage:
        yield stage


async def serve(stage: Stage, redis: PrivateRedis, **settings: object) -> Service:
    service = await stage.serve(2, rate_limit_storage=redis.url, admin_port=first_of_two_ports(), **settings)
    await until(lambda: both_answer(service), "both workers answer")
    return service


def first_of_two_ports() -> int:
    while True:
        port = free_port()
        if not is_taken(port + 1):
            return port


def is_taken(port: int) -> bool:
    try:
        listen(LOOPBACK, port).close()
    except CannotListen:
        return True
    return False


async def both_answer(service: Service) -> bool:
    try:
        await asyncio.gather(*(scrape(service, worker) for worker in (1, 2)))
    except httpx2.TransportError:
        return False
    return True


async def scrape(service: Service, worker: int) -> dict[str, float]:
    """What that worker has counted, each by its name, over all labels."""
    port = int(str(service.settings["admin_port"])) + worker - 1
    async with httpx2.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"http://{LOOPBACK}:{port}/metrics")).text
    counted: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            counted[sample.name] = counted.get(sample.name, 0.0) + sample.value
    return counted


def lines(service: Service, event: str) -> list[dict[str, Any]]:
    return [line for line in service.log() if line["event"] == event]


def pids(service: Service) -> dict[int, int]:
    """Of each worker that was started last in its place."""
    return {line["worker"]: line["pid"] for line in lines(service, "worker_started")}


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def ask(service: Service) -> bool:
    """On a connection of its own: those that are kept stay with their worker."""
    return (await service.client.request("GET", "/health/ready", headers={"Connection": "close"})).is_success


async def asked_by(service: Service, workers: set[int]) -> bool:
    """Ask once more, and tell whether each of these has answered some request."""
    await ask(service)
    return {line["worker"] for line in lines(service, "request")} >= workers


async def journey(client: Client, sandbox: Sandbox) -> Person:
    """Register and activate, on a connection of its own, as somebody does who comes to the site."""
    person = somebody()
    own = Client(client.url)
    client.people.add(person)
    try:
        assert (await own.register(person)).status_code == 202
        mail = await sandbox.newest(person.email)
        assert (await own.activate(person, mail.code)).status_code == 200
    finally:
        await own.http.aclose()
    return person


@pytest.fixture(scope="module")
async def service(stage: Stage, redis: PrivateRedis) -> AsyncIterator[Service]:
    service = await serve(stage, redis)
    yield service
    service.ask_to_stop()
    assert await service.exit_status(STOP_SECONDS) == 0
    assert service.errors() == []


async def test_they_carry_out_journeys_and_their_figures_add_up_to_what_was_done(
    stage: Stage, service: Service
) -> None:
    before = [await scrape(service, worker) for worker in (1, 2)]

    await asyncio.gather(*(journey(service.client, stage.sandbox) for _ in range(20)))
    await until(lambda: asked_by(service, {1, 2}), "both have answered")

    after = [await scrape(service, worker) for worker in (1, 2)]
    for name in ("registration_registered_total", "registration_activated_total"):
        assert sum(now[name] - then[name] for then, now in zip(before, after, strict=True)) == 20
    requests = "registration_requests_total"
    assert sum(each[requests] for each in after) == len(lines(service, "request"))
    assert all(each[requests] > 0 for each in after)


async def test_one_that_is_killed_is_replaced_and_the_other_goes_on(stage: Stage, service: Service) -> None:
    before = pids(service)

    os.kill(before[2], signal.SIGKILL)

    async def is_replaced() -> bool:
        return pids(service)[2] != before[2] and await both_answer(service)

    await until(is_replaced, "the second is replaced")
    assert pids(service)[1] == before[1]
    [ended] = lines(service, "worker_ended")
    assert (ended["worker"], ended["pid"], ended["status"]) == (2, before[2], -signal.SIGKILL)
    await asyncio.gather(*(journey(service.client, stage.sandbox) for _ in range(4)))


async def test_each_line_says_which_of_them_wrote_it(service: Service) -> None:
    served = [line for line in service.log() if line["logger"].startswith(("registration.api", "uvicorn"))]
    assert {line.get("worker") for line in served} == {1, 2}


async def test_a_parent_that_is_killed_leaves_nothing_behind(stage: Stage, redis: PrivateRedis) -> None:
    service = await serve(stage, redis)
    workers = pids(service).values()
    assert len(workers) == 2

    service.kill()

    async def all_are_gone() -> bool:
        return not any(map(lives, workers))

    await until(all_are_gone, "the workers have ended", STOP_SECONDS)
    admin_port = int(str(service.settings["admin_port"]))
    assert [port for port in (service.port, admin_port, admin_port + 1) if is_taken(port)] == []


async def test_requests_that_run_when_all_are_told_to_stop_are_answered_and_nothing_of_them_is_lost(
    stage: Stage, redis: PrivateRedis
) -> None:
    service = await serve(stage, redis, bcrypt_cost=10)
    client, people = service.client, [somebody() for _ in range(12)]
    running = [asyncio.create_task(client.register(person)) for person in people]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    service.ask_to_stop()

    assert await service.exit_status(STOP_SECONDS) == 0
    answers = await asyncio.gather(*running)
    assert [answer.status_code for answer in answers] == [202] * len(people)
    with pytest.raises(httpx2.ConnectError):
        await client.liveness()
    assert service.errors() == []

    await service.start()
    await stage.sandbox.has_reached(people)
    looks = await asyncio.gather(*map(client.look, people))
    assert [look.status_code for look in looks] == [200] * len(people)


async def test_a_limit_on_a_client_is_as_it_is_set_whoever_answers(stage: Stage, redis: PrivateRedis) -> None:
    service = await serve(stage, redis, client_limits="register=7/day,auth=100000/minute")
    people = [somebody() for _ in range(12)]
    clients = [Client(service.client.url) for _ in people]

    answers = await asyncio.gather(*map(Client.register, clients, people))

    assert sorted(answer.status_code for answer in answers) == [202] * 7 + [429] * 5
    for client in clients:
        await client.http.aclose()


async def fails_to_start(stage: Stage, redis: PrivateRedis, workers: int, **settings: object) -> str:
    """The line that is all that it says."""
    usual = {**DEFAULTS, "database_url": stage.database_url, "rate_limit_storage": redis.url}
    done = await run(f"serve --workers {workers}", usual | settings)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("workers", [1, 2])
class TestATakenPort:
    async def test_is_one_line_at_the_start(self, stage: Stage, redis: PrivateRedis, workers: int) -> None:
        port = free_port()
        with listen(LOOPBACK, port):
            done = await fails_to_start(stage, redis, workers, port=port)
        assert done == f"REGISTRATION_PORT: Address already in use ({LOOPBACK}:{port})"

    async def test_of_the_last_of_them_is_told_before_any_serves(
        self, stage: Stage, redis: PrivateRedis, workers: int
    ) -> None:
        first = first_of_two_ports()
        last = first + workers - 1
        with listen(LOOPBACK, last):
            done = await fails_to_start(stage, redis, workers, port=free_port(), admin_port=first)
        assert done == f"REGISTRATION_ADMIN_PORT: Address already in use ({LOOPBACK}:{last})"


async def test_a_private_port_that_there_is_not_is_told(stage: Stage, redis: PrivateRedis) -> None:
    done = await fails_to_start(stage, redis, 2, port=free_port(), admin_port=65535)
    assert done == "REGISTRATION_ADMIN_PORT: there is no port 65536, for worker 2"


async def test_without_redis_several_are_refused_in_one_line_that_names_what_is_to_be_set() -> None:
    done = await run("serve --workers 2", {**DEFAULTS, "database_url": NOBODY})
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("REGISTRATION_RATE_LIMIT_STORAGE: ")
    assert "REGISTRATION_CLIENT_LIMITS" in line
