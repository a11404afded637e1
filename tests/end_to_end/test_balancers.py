"""HAProxy on the files that operators are given: before two services, and before a node of Galera."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.client import Client, problem, somebody
from tests.end_to_end.service import LENIENT, Service
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.waiting import until
from tests.private_database import Databases
from tools import haproxy
from tools.addresses import LOOPBACK, free_port
from tools.galera import GaleraCluster
from tools.galera_distribution import find_galera
from tools.galera_node import GaleraNode
from tools.haproxy import CONFIG, Balancer, NoHAProxy
from tools.server_distribution import NoServer

ADDRESSES = {
    "database": {"DATABASE_LISTEN", "GALERA_1", "GALERA_2", "GALERA_3"},
    "service": {"SERVICE_LISTEN", "REPLICA_1", "REPLICA_2"},
}
"""What each file leaves to the environment, besides the page and the socket."""

NO_OTHERS = {
    name: value for name, value in os.environ.items() if not name.startswith(("REPLICA_", "GALERA_"))
}


def free_address() -> str:
    return f"{LOOPBACK}:{free_port()}"


@pytest.fixture(scope="session")
def haproxy_program() -> Path:
    try:
        return haproxy.find()
    except NoHAProxy as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def short_path() -> Iterator[Path]:
    """A socket's path may not be as long as those of pytest are."""
    with tempfile.TemporaryDirectory(prefix="balancers-") as folder:
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class Balanced:
    """Two services behind HAProxy."""

    stage: Stage
    services: tuple[Service, Service]
    balancer: Balancer
    client: Client

    def handlers_of(self, email: str, message: str) -> list[int]:
        """Which of the services have handled such a message about the address."""
        return [
            number
            for number, service in enumerate(self.services)
            for line in service.log()
            if line.get("message") == message and line.get("email") == email
        ]


@pytest.fixture(scope="module")
async def balanced(
    haproxy_program: Path, short_path: Path, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Balanced]:
    folder = tmp_path_factory.mktemp("balanced")
    async with open_stage(databases.fresh(), folder) as stage:
        one, other = await asyncio.gather(
            *(stage.serve(**LENIENT, trusted_proxies=LOOPBACK) for _ in range(2))
        )
        addresses = {
            "SERVICE_LISTEN": free_address(),
            "REPLICA_1": f"{LOOPBACK}:{one.port}",
            "REPLICA_2": f"{LOOPBACK}:{other.port}",
        }
        balancer = Balancer("service", haproxy_program, short_path, folder, addresses)
        client = Client(f"http://{addresses['SERVICE_LISTEN']}")
        try:
            balancer.start()
            await until(client.is_ready, "HAProxy answers")
            yield Balanced(stage, (one, other), balancer, client)
        finally:
            await client.http.aclose()
            balancer.stop()


@pytest.fixture(scope="module")
def node() -> Iterator[GaleraNode]:
    """A cluster of one."""
    try:
        find_galera()
    except NoServer as error:
        pytest.skip(str(error))
    with GaleraCluster(1) as cluster:
        yield cluster.nodes[0]


@pytest.fixture(scope="module")
def before_a_node(
    haproxy_program: Path, short_path: Path, node: GaleraNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Balancer]:
    """Nobody listens where its second and third node should be."""
    places = {name: free_address() for name in ADDRESSES["database"]} | {"GALERA_1": node.sql_address}
    balancer = Balancer(
        "database", haproxy_program, short_path, tmp_path_factory.mktemp("before_a_node"), places
    )
    try:
        balancer.start()
        yield balancer
    finally:
        balancer.stop()


@pytest.mark.parametrize("more", [[], ["REPLICA_3"], ["REPLICA_3", "REPLICA_4"]])
@pytest.mark.parametrize("name", ["database", "service"])
def test_the_files_are_valid(haproxy_program: Path, name: str, more: list[str]) -> None:
    places = {key: free_address() for key in [*ADDRESSES[name], *more, "HAPROXY_STATS"]}
    checked = subprocess.run(
        [haproxy_program, "-c", "-f", CONFIG / f"{name}.cfg"],
        env={**NO_OTHERS, **places, "HAPROXY_SOCKET": "/run/haproxy/admin.sock"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


class TestBeforeTheDatabase:
    @pytest.mark.parametrize(
        "variable",
        [
            "wsrep_desync",
            "read_only",
        ],  # wsrep_desync: the state is that of a node which gives its data to another
    )
    async def test_a_node_is_left_out_while_it_is_not_synced_or_takes_no_writes(
        self, before_a_node: Balancer, node: GaleraNode, variable: str
    ) -> None:
        await until_servers(before_a_node, node1="UP", node2="DOWN", node3="DOWN")
        node.administer(f"SET GLOBAL {variable} = ON")
        await until_servers(before_a_node, node1="DOWN")
        node.administer(f"SET GLOBAL {variable} = OFF")
        await until_servers(before_a_node, node1="UP")

    async def test_the_check_leaves_no_broken_connections(
        self, before_a_node: Balancer, node: GaleraNode
    ) -> None:
        await until_servers(before_a_node, node1="UP", node2="DOWN")
        seen = connections(node)

        async def probe() -> bool:
            return connections(node) > seen + 6

        await until(probe, "some more checks")
        assert node.administer("SHOW GLOBAL STATUS LIKE 'Aborted_clients'").split() == [
            "Aborted_clients",
            "0",
        ]


class TestBeforeTheService:
    async def test_what_a_caller_says_of_its_address_is_overwritten(self, balanced: Balanced) -> None:
        forged = [{"X-Forwarded-For": f"192.0.2.{number}, {LOOPBACK}"} for number in range(6)]
        through, past = somebody(), somebody()
        for headers in forged:
            await balanced.client.request("GET", "/v1/users/me", through, headers=headers)
            await balanced.services[0].client.request("GET", "/v1/users/me", past, headers=headers)

        def clients(email: str) -> set[object]:
            lines = [line for service in balanced.services for line in service.log()]
            return {line["client"] for line in lines if line.get("email") == email and "client" in line}

        assert len(clients(past.email)) == 6
        assert len(clients(through.email)) == 1

    async def test_a_journey_is_with_one_replica_and_journeys_are_with_all(self, balanced: Balanced) -> None:
        chosen = set()
        for _ in range(16):
            person = somebody()
            assert (await balanced.client.register(person)).status_code == 202
            code = (await balanced.stage.sandbox.newest(person.email)).code
            shouted = type(person)(person.email.upper(), person.password)
            assert (await balanced.client.activate(shouted, code)).status_code == 200

            registered = balanced.handlers_of(person.email, "RegisterUser")
            assert registered == balanced.handlers_of(person.email, "ActivateUser")
            chosen |= set(registered)
        assert chosen == {0, 1}

    async def test_its_log_has_a_requests_id_and_nothing_that_was_shown(self, balanced: Balanced) -> None:
        person = somebody()
        await balanced.client.register(person)
        path = f"/v1/users/me?password={person.password}"
        response = await balanced.client.request(
            "GET", path, person, headers={"X-Request-ID": "the-callers.own"}
        )
        other = await balanced.client.request("GET", path, person, headers={"X-Request-ID": "no id"})

        assert response.headers["x-request-id"] == "the-callers.own"

        async def probe() -> bool:
            return other.headers["x-request-id"] in balanced.balancer.log.read_text()

        await until(probe, "the request is logged")
        log = balanced.balancer.log.read_text()
        assert "GET /v1/users/me 200" in log
        assert "the-callers.own" in log
        for secret in (person.email, person.authorization.split()[1], "password", "correct"):
            assert secret not in log

    async def test_how_large_a_request_may_be_is_for_the_service_to_say(self, balanced: Balanced) -> None:
        large = {"X-Padding": "x" * 15_700}
        too_large = {"email": "ada@example.org", "password": "x" * 60_000}

        assert (await balanced.client.request("GET", "/health/live", headers=large)).status_code == 200
        problem(await balanced.client.request("POST", "/v1/users", json=too_large), 413, "payload-too-large")

    async def test_nobody_notices_that_a_replica_goes_away_and_comes_back(self, balanced: Balanced) -> None:
        leaving, _ = balanced.services
        stop = asyncio.Event()
        answers: list[int] = []

        async def caller() -> None:
            while not stop.is_set():
                person = somebody()
                answers.append((await balanced.client.register(person)).status_code)
                answers.append((await balanced.client.look(person)).status_code)

        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(caller())
            await until_served(balanced, leaving)
            leaving.ask_to_stop()
            assert await leaving.exit_status(seconds=20) == 0
            await until_servers(balanced.balancer, "ready", replica1="DOWN", replica2="UP")
            await leaving.start()
            await until_servers(balanced.balancer, "ready", replica1="UP", replica2="UP")
            await until_served(balanced, leaving)
            stop.set()

        assert len(answers) > 20
        assert set(answers) <= {200, 202}


async def test_without_any_replica_the_answer_is_a_problem_document(
    haproxy_program: Path, short_path: Path, tmp_path: Path
) -> None:
    places = {name: free_address() for name in ADDRESSES["service"]}
    balancer = Balancer("service", haproxy_program, short_path, tmp_path, places)
    client = Client(f"http://{places['SERVICE_LISTEN']}")
    balancer.start()
    try:
        await until_servers(balancer, "alive", replica1="DOWN", replica2="DOWN")
        problem(await client.register(somebody()), 503, "unavailable")
    finally:
        await client.http.aclose()
        balancer.stop()


async def test_while_no_replica_is_ready_those_that_are_alive_answer(
    haproxy_program: Path, short_path: Path, tmp_path: Path
) -> None:
    async with await asyncio.start_server(alive_but_not_ready, LOOPBACK) as server:
        port = server.sockets[0].getsockname()[1]
        places = {
            "SERVICE_LISTEN": free_address(),
            "REPLICA_1": f"{LOOPBACK}:{port}",
            "REPLICA_2": free_address(),
        }
        balancer = Balancer("service", haproxy_program, short_path, tmp_path, places)
        client = Client(f"http://{places['SERVICE_LISTEN']}")
        balancer.start()
        try:
            await until_servers(balancer, "ready", replica1="DOWN", replica2="DOWN")
            await until_servers(balancer, "alive", replica1="UP", replica2="DOWN")
            assert (await client.register(somebody())).text == "its own word"
        finally:
            await client.http.aclose()
            balancer.stop()


async def alive_but_not_ready(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A replica whose database is away."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = b"200 OK" if b"/health/live" in head else b"503 Service Unavailable"
    writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 12\r\nConnection: close\r\n\r\nits own word")
    writer.close()


def connections(node: GaleraNode) -> int:
    """How many there have ever been."""
    return int(node.administer("SHOW GLOBAL STATUS LIKE 'Connections'").split()[1])


async def until_served(balanced: Balanced, service: Service) -> None:
    """Wait until the service has answered some registrations from now on."""
    before = len(service.log())

    async def probe() -> bool:
        lines = [line for line in service.log()[before:] if line.get("message") == "RegisterUser"]
        return len(lines) > 2

    await until(probe, f"{service.port} is asked, beside {len(balanced.services) - 1} other")


async def until_servers(balancer: Balancer, backend: str = "galera", **states: str) -> None:
    async def probe() -> bool:
        found = balancer.servers(backend)
        return all(found.get(name) == state for name, state in states.items())

    await until(probe, f"HAProxy finds that {states}")
