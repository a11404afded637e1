"""The private port of a real service: what it tells, and when it answers."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.client import problem, somebody
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import SECRET_KEY, Service, environment
from tests.end_to_end.stage import Stage, activated, open_stage, registered
from tests.end_to_end.waiting import until
from tests.private_database import ROOT, Databases
from tools import processes
from tools.addresses import LOOPBACK, free_port
from tools.private_mariadb import PrivateServer

STOP_SECONDS = 10
SLOW_SECONDS = 3
LONGER_THAN_CLOSING_TAKES = 1
OUTAGE_ANSWER_SECONDS = 2.0
LISTENING = "0A"

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(scope="module")
async def stage(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with open_stage(databases.fresh(), tmp_path_factory.mktemp("stage")) as stage:
        yield stage
        assert [service.errors() for service in stage.services] == [[]] * len(stage.services)


@pytest.fixture(scope="module")
async def service(stage: Stage) -> Service:
    return await stage.serve(admin_port=free_port())


async def ask(service: Service, path: str = "/metrics", seconds: float = 30) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=seconds) as client:
        return await client.get(f"http://{LOOPBACK}:{service.settings['admin_port']}{path}")


async def scrape(service: Service) -> Series:
    """Every series, by its name and labels."""
    answer = await ask(service)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(series: Series, name: str, **labels: str) -> float | None:
    return series.get((name, tuple(sorted(labels.items()))))


def listening_ports(pid: int) -> set[int]:
    """The TCP ports of IPv4 on which the process accepts connections."""
    sockets = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    lines = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {
        int(line[1].partition(":")[2], 16)
        for line in lines
        if line[3] == LISTENING and f"socket:[{line[9]}]" in sockets
    }


async def test_a_journey_shows_in_the_figures(service: Service, sandbox: Sandbox) -> None:
    before, ann = await scrape(service), somebody()
    mail = await registered(service, sandbox, ann)
    await service.client.accepted(ann)
    await service.client.activate(ann, await sandbox.wrong_code(ann.email))
    await service.client.activate(ann, mail.code)
    problem(await service.client.request("GET", "/v1/elsewhere"), 404, "not-found")

    series = await scrape(service)

    def moved(name: str, **labels: str) -> float:
        return (value(series, name, **labels) or 0) - (value(before, name, **labels) or 0)

    def requests(method: str, route: str, status: str) -> float:
        return moved("registration_requests_total", method=method, route=route, status=status)

    def messages(message: str, outcome: str) -> float:
        return moved("registration_messages_total", message=message, outcome=outcome)

    assert requests("POST", "/v1/users", "202") == 1
    assert requests("POST", "/v1/users/activation", "200") == 1
    assert requests("POST", "/v1/users/activation", "422") == 1
    assert requests("GET", "other", "404") == 1
    assert moved("registration_request_seconds_count", route="/v1/users") == 1
    assert messages("RegisterUser", "ok") == messages("ActivateUser", "ok") == 1
    assert messages("ActivateUser", "incorrect-code") == 1
    assert moved("registration_message_seconds_count", message="ActivateUser") == 2
    assert moved("registration_hash_seconds_count") == 1
    attempt = {"provider": "mailpit", "kind": "activation-code", "outcome": "accepted"}
    assert moved("registration_mail_attempts_total", **attempt) == 1
    assert moved("registration_mail_attempt_seconds_count", provider="mailpit") == 1
    assert moved("registration_mails_settled_total", outcome="accepted") == 1
    assert moved("registration_mail_acceptance_seconds_count") == 1
    for step in ("registered", "codes_issued", "mailed", "activated"):
        assert moved(f"registration_{step}_total") == 1
    assert moved("registration_activation_seconds_count") == 1

    assert value(series, "registration_messages_total", message="GetUser", outcome="internal-error") == 0
    assert value(series, "registration_mail_breaker_open", provider="mailpit") == 0
    assert value(series, "registration_database_up") == 1
    assert value(series, "registration_database_connections_limit") == 10
    assert value(series, "registration_outbox_mails") == 0
    assert value(series, "registration_outbox_oldest_seconds") == 0
    assert value(series, "process_resident_memory_bytes")


async def test_nothing_that_a_caller_makes_up_makes_a_series(service: Service) -> None:
    async def make_up(name: str) -> None:
        for method in ("GET", "POST", name):
            await service.client.request(method, f"/{name}")
            await service.client.request(method, f"/v1/users/{name}?{name}={name}")
        await service.client.request("GET", f"/problems/{name}")
        await service.client.request("GET", f"/docs/{name}")
        await service.client.request(name, "/v1/users", headers={name: name})
        await service.client.register(somebody().with_password(f"{name} {name}"))
        await service.client.look(somebody().with_password(name))

    await make_up("QUINCE")
    known = set(await scrape(service))
    await make_up("MEDLAR")

    after = set(await scrape(service))
    assert after == known
    assert not any(re.search("(?i)quince|medlar|@", f"{series}") for series in after)


async def test_no_password_address_or_key_is_in_the_answer(service: Service, sandbox: Sandbox) -> None:
    ann = somebody()
    await activated(service, sandbox, ann)

    text = (await ask(service)).text

    for secret in (ann.email, ann.password, SECRET_KEY):
        assert secret not in text


async def test_the_public_port_has_none_of_it_and_the_private_one_nothing_else(service: Service) -> None:
    problem(await service.client.request("GET", "/metrics"), 404, "not-found")
    problem(await service.client.request("GET", "/status"), 404, "not-found")
    for path in ("/", "/v1/users/me", "/health/ready", "/openapi.json"):
        answer = await ask(service, path)
        assert (answer.status_code, answer.text) == (404, "Not Found")


async def test_there_is_no_second_port_unless_it_is_set(stage: Stage, service: Service) -> None:
    without = await stage.serve()

    assert listening_ports(without.pid) == {without.port}
    assert listening_ports(service.pid) == {service.port, service.settings["admin_port"]}


async def test_it_is_there_as_well_when_uvicorns_own_command_starts_the_service(service: Service) -> None:
    by_uvicorn = replace(service, port=free_port(), settings=service.settings | {"admin_port": free_port()})
    command = [sys.executable, "-m", "uvicorn", "--factory", "registration.main:create_app"]
    with service.log_file.open("ab") as log:
        process = processes.start(
            [*command, "--port", str(by_uvicorn.port)],
            signal_if_we_die="KILL",
            cwd=ROOT,
            env=environment(by_uvicorn.settings),
            stdout=log,
            stderr=log,
        )
    try:
        await until(by_uvicorn.client.is_ready, "the service is ready")
        assert value(await scrape(by_uvicorn), "registration_database_up") == 1
        process.terminate()
        assert await asyncio.to_thread(process.wait, STOP_SECONDS) == -signal.SIGTERM
    finally:
        processes.stop(process)
        await by_uvicorn.client.http.aclose()


async def test_it_goes_on_answering_while_mails_are_brought_to_their_end_and_closes_with_the_process(
    stage: Stage, sandbox: Sandbox
) -> None:
    service = await stage.serve(admin_port=free_port())
    earlier = len(await sandbox.all_attempts())
    await sandbox.misbehave(slow=1, slow_seconds=SLOW_SECONDS)
    await service.client.register(somebody())

    async def is_handed_in() -> bool:
        return len(await sandbox.all_attempts()) > earlier

    async def is_shut() -> bool:
        return service.port not in listening_ports(service.pid)

    await until(is_handed_in, "the mail is handed in")
    service.ask_to_stop()
    await until(is_shut, "the public port is closed")

    await asyncio.sleep(LONGER_THAN_CLOSING_TAKES)
    assert value(await scrape(service), "registration_database_up") == 1

    assert await service.exit_status(STOP_SECONDS) == 0
    await sandbox.misbehave()
    with pytest.raises(httpx2.ConnectError):
        await ask(service)


async def test_a_port_that_is_taken_is_one_line_at_the_start(stage: Stage, service: Service) -> None:
    taken = service.settings["admin_port"]

    with pytest.raises(AssertionError) as failure:
        await stage.serve(admin_port=taken)

    [line] = f"{failure.value}".splitlines()[:1]
    assert line.startswith("REGISTRATION_ADMIN_PORT: Address already in use")
    stage.services.pop()


async def test_without_the_database_it_answers_all_the_same(
    own_server: PrivateServer, tmp_path: Path
) -> None:
    async with open_stage(own_server.url(), tmp_path) as stage:
        service = await stage.serve(admin_port=free_port())
        own_server.pause()
        try:
            answer = await ask(service, seconds=OUTAGE_ANSWER_SECONDS)
            assert answer.status_code == 200
            series = await scrape(service)
        finally:
            own_server.resume()

    assert value(series, "registration_database_up") == 0
    assert value(series, "registration_outbox_mails") is None
    assert value(series, "registration_outbox_oldest_seconds") is None
    assert value(series, "registration_hash_seconds_count") == 0
