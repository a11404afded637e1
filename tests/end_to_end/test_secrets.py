"""After a bit of everything, faults and crashes included: no password and no code is in the logs or the tables.

The codes have eight digits, so that none of them is there by chance.
"""

import asyncio
from dataclasses import dataclass

import httpx2
import pytest

from tests.end_to_end.client import PASSWORD, Client, Person, somebody
from tests.end_to_end.proxy import DatabaseProxy, Loss, open_proxy
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.secrets_search import found, found_digests
from tests.end_to_end.service import LENIENT, SECRET_KEY, Service, run
from tests.end_to_end.stage import (
    activated,
    open_stage,
    past_the_join_window,
    registered,
    somebody_active,
)
from tests.end_to_end.tables import cells
from tests.end_to_end.waiting import until
from tests.private_database import Databases

NEW_SECRET_KEY = "another secret key of the end-to-end tests"
WRONG_CODE = "13579246"
UNICODE_PASSWORD = 'pâss: wörd 🔑 "quoted"'


@dataclass(frozen=True, slots=True)
class Evidence:
    log: bytes
    cells: list[bytes]
    sandbox_log: bytes
    people: set[Person]
    passwords: set[str]
    codes: set[str]


@pytest.fixture(scope="module")
async def evidence(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    async with (
        open_stage(databases.fresh(), tmp_path_factory.mktemp("stage")) as stage,
        open_proxy(stage.database_url) as proxy,
    ):
        service = await stage.serve(**LENIENT, database_url=proxy.url, code_digits=8)
        await people_come_and_go(service, stage.sandbox)
        await requests_are_malformed(service.client)
        await the_provider_fails(service, stage.sandbox)
        await the_database_fails(service, stage.sandbox, proxy)
        await the_service_fails(service, stage.sandbox)
        return Evidence(
            log=service.log_file.read_bytes(),
            cells=cells(stage.database_url),
            sandbox_log=(stage.folder / "sandbox.log").read_bytes(),
            people=service.client.people,
            passwords=service.client.passwords,
            codes={attempt.code for attempt in await stage.sandbox.all_attempts() if attempt.code},
        )


async def people_come_and_go(service: Service, sandbox: Sandbox) -> None:
    passwords = (PASSWORD, UNICODE_PASSWORD, "x" * 200)
    await asyncio.gather(*(somebody_comes_and_goes(service, sandbox, somebody(each)) for each in passwords))
    await service.client.register(somebody("1234567"))
    await service.client.register(somebody("password1"))


async def somebody_comes_and_goes(service: Service, sandbox: Sandbox, ann: Person) -> None:
    client = service.client
    mail = await registered(service, sandbox, ann)
    await client.activate(ann, WRONG_CODE)
    await client.activate(ann.with_password("not the right one"), mail.code)
    await client.new_code(ann)
    await sandbox.newest(ann.email, count=2)
    await client.activate(ann, mail.code)
    await past_the_join_window(service, ann)
    await client.register(ann.with_password("of somebody else"))
    await client.activate(ann.with_password("of somebody else"), WRONG_CODE)
    await client.erase(ann)


async def requests_are_malformed(client: Client) -> None:
    ann = somebody("a secret in the wrong place")
    client.people.add(ann)
    secret = ann.password
    for request in (
        {"content": f'{{"password": "{secret}"', "headers": {"Content-Type": "application/json"}},
        {"json": {"email": secret, "password": secret, secret: secret}},
        {"json": {"email": ann.email, "password": [secret]}},
        {"data": {"password": secret}},
        {"params": {"password": secret}, "json": {}},
    ):
        await client.request("POST", "/v1/users", **request)
    await client.request("GET", f"/v1/users/{secret}")
    await client.request("GET", "/v1/users/me", headers={"Authorization": f"Bearer {secret}"})
    await client.request("GET", "/v1/users/me", headers={"User-Agent": secret, "Referer": secret})
    await client.activate(ann, "1234567")


async def the_provider_fails(service: Service, sandbox: Sandbox) -> None:
    for fault in ("error", "cut_after", "hang"):
        before, ann = len(await sandbox.all_attempts()), somebody()
        await sandbox.misbehave(**{fault: 1, "hang_seconds": 0.5})
        await service.client.register(ann)

        async def has_failed(before: int = before) -> bool:
            return len(await sandbox.all_attempts()) > before

        await until(has_failed, "the mail was handed in")
        await sandbox.misbehave()
        await service.client.accepted(ann)


async def the_database_fails(service: Service, sandbox: Sandbox, proxy: DatabaseProxy) -> None:
    ann = await somebody_active(service, sandbox)
    proxy.lose(Loss.ANSWER, "COMMIT", times=2)
    await registered(service, sandbox, somebody())
    proxy.lose_nothing()
    await proxy.refuse()
    await asyncio.gather(service.client.register(somebody()), service.client.look(ann))
    await proxy.listen()
    await until(service.client.is_ready, "the service is ready again")


async def the_service_fails(service: Service, sandbox: Sandbox) -> None:
    client = service.client
    with pytest.raises(httpx2.TimeoutException):
        await client.request("GET", "/v1/users/me", somebody(), timeout=0.001)
    await client.register(somebody())
    service.kill()
    await service.start()
    rekeyed = await run("rekey", {**service.settings, "secret_key": f"{NEW_SECRET_KEY},{SECRET_KEY}"})
    assert rekeyed.returncode == 0
    await activated(service, sandbox, somebody())
    service.ask_to_stop()
    await service.exit_status(seconds=10)


def test_the_search_finds_what_is_there(evidence: Evidence) -> None:
    """The sandbox tells every code, the tables hold every address, and all that was meant to happen is in the log."""
    assert len(evidence.codes) > 10
    assert found(evidence.codes, [evidence.sandbox_log]) == evidence.codes
    assert any(found([person.email], evidence.cells) for person in evidence.people)
    for event in (b"message_handled", b"mail_attempted", b"database_retry", b"database_unavailable"):
        assert event in evidence.log


def test_no_password_is_in_the_log(evidence: Evidence) -> None:
    assert found(evidence.passwords, [evidence.log]) == set()
    tokens = {person.authorization.removeprefix("Basic ") for person in evidence.people}
    assert found(tokens, [evidence.log]) == set()


def test_no_code_is_in_the_log(evidence: Evidence) -> None:
    assert found(evidence.codes | {WRONG_CODE}, [evidence.log]) == set()


def test_no_key_and_no_address_of_the_database_is_in_the_log(evidence: Evidence) -> None:
    assert found({SECRET_KEY, NEW_SECRET_KEY, "mysql://"}, [evidence.log]) == set()


def test_no_password_is_in_a_table_nor_a_hash_that_could_be_tried(evidence: Evidence) -> None:
    assert found(evidence.passwords, evidence.cells) == set()
    assert found_digests(evidence.passwords, evidence.cells) == set()
    assert not [cell for cell in evidence.cells if b"$2b$" in cell]


def test_no_code_is_in_a_table_nor_a_digest_that_could_be_tried(evidence: Evidence) -> None:
    codes = evidence.codes | {WRONG_CODE}
    assert found(codes, evidence.cells) == set()
    assert found_digests(codes, evidence.cells) == set()
