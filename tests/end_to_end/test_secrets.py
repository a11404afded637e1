"""After a bit of everything, faults and crashes included: no password and no code is anywhere at rest.

Searched are the logs at their most talkative, what the other commands print, the metrics, the tables, and the files that
the database keeps them in. The codes have eight digits, so that none of them is there by chance.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import pytest

from config.settings import parse_database_url
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import open_database
from registration.domain.activation_code import derive_code
from tests.end_to_end.client import PASSWORD, Client, Person, somebody, until_answered
from tests.end_to_end.echoing_provider import ANSWERS, open_echoing_provider
from tests.end_to_end.proxy import DatabaseProxy, Loss, open_proxy
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.secrets_search import BCRYPT, found, found_digests, found_hashes, legible
from tests.end_to_end.service import LENIENT, SECRET_KEY, Service, run
from tests.end_to_end.stage import (
    Stage,
    activated,
    open_stage,
    past_the_join_window,
    registered,
    somebody_active,
)
from tests.end_to_end.tables import cells, rows
from tests.end_to_end.waiting import until
from tests.private_database import Databases
from tools.addresses import LOOPBACK, free_port

PEOPLE = 36
CODE_DIGITS = 8
WRONG_CODE = "13579246"
NEW_SECRET_KEY = "another secret key of the end-to-end tests"
PASSWORDS = (
    PASSWORD,
    'pâss: wörd 🔑 "quoted"',
    "<b>%41&amp;{0}\\n$x</b>",
    "ﬁne Ångström ½ litre",
    "Bobby'); DROP TABLE accounts; --",
    "never before so long a password was typed " * 6,
)

SHARED_FILES = ("ib_logfile*", "#innodb_redo/*", "ibdata*", "undo*")
"""What a server keeps for all of its databases: MariaDB's and MySQL's logs of changes, and of what was there before."""

Places = Mapping[str, Collection[bytes]]


@dataclass(frozen=True, slots=True)
class Evidence:
    told: Places
    """What is told to whoever reads the metrics, the logs, and what commands print."""
    stored: Places
    """The cells of all tables, and what is legible in the database's files: nothing, if they are elsewhere."""
    sandbox_log: bytes
    people: Collection[Person]
    passwords: Collection[str]
    codes: Mapping[str, Collection[bytes]]
    """That of each mail, sent or not, with what the mail's row holds: it could be a salt."""
    mailed: Collection[str]

    @property
    def addresses(self) -> set[str]:
        return {person.email for person in self.people}


@pytest.fixture(scope="module")
async def evidence(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    async with (
        open_stage(databases.fresh(), tmp_path_factory.mktemp("stage")) as stage,
        open_proxy(stage.database_url) as proxy,
    ):
        service = await stage.serve(
            **LENIENT, database_url=proxy.url, code_digits=CODE_DIGITS, admin_port=free_port()
        )
        echoed, *_ = await asyncio.gather(
            the_provider_echoes(stage),
            people_come_and_go(service, stage.sandbox),
            requests_are_malformed(service.client),
        )
        await the_provider_fails(service, stage.sandbox)
        printed, _ = await asyncio.gather(
            an_operator_looks(stage), the_database_fails(service, stage.sandbox, proxy)
        )
        metrics = [await metrics_of(service)]
        printed += await the_service_fails(service, stage.sandbox)
        metrics.append(await metrics_of(service))
        service.ask_to_stop()
        await service.exit_status(seconds=10)
        clients = [each.client for each in stage.services]
        return Evidence(
            told={
                "metrics": metrics,
                "commands": printed,
                "logs": [each.log_file.read_bytes() for each in stage.services],
            },
            stored={
                "tables": cells(stage.database_url),
                "files": [legible(file) for file in files_of(stage.database_url)],
            },
            sandbox_log=(stage.folder / "sandbox.log").read_bytes(),
            people={person for client in clients for person in client.people},
            passwords={password for client in clients for password in client.passwords},
            codes=await codes_of_all_mails(stage.database_url),
            mailed=echoed | {each.code for each in await stage.sandbox.all_attempts() if each.code},
        )


async def people_come_and_go(service: Service, sandbox: Sandbox) -> None:
    client = service.client
    await asyncio.gather(
        *(
            somebody_comes_and_goes(service, sandbox, somebody(PASSWORDS[n % len(PASSWORDS)]))
            for n in range(PEOPLE)
        ),
        somebody_registers_again(service, somebody()),
        somebody_guesses(client, somebody()),
        somebody_forgets(client, somebody()),
        *(client.register(somebody(unacceptable)) for unacceptable in ("1234567", "password1")),
    )


async def somebody_comes_and_goes(service: Service, sandbox: Sandbox, ann: Person) -> None:
    client, stranger = service.client, ann.with_password("of somebody else")
    mail = await registered(service, sandbox, ann)
    await client.activate(ann, WRONG_CODE)
    await client.activate(stranger, mail.code)
    await client.new_code(ann)
    await sandbox.newest(ann.email, count=2)
    await client.activate(ann, mail.code)
    await past_the_join_window(service, ann)
    await client.register(stranger)
    await client.activate(stranger, WRONG_CODE)
    await client.erase(ann)


async def somebody_registers_again(service: Service, ann: Person) -> None:
    await service.client.register(ann)
    await past_the_join_window(service, ann)
    await service.client.register(ann.with_password("now another one"))


async def somebody_guesses(client: Client, ann: Person) -> None:
    await client.register(ann)
    await until_answered("too-many-attempts", lambda: client.activate(ann, WRONG_CODE))


async def somebody_forgets(client: Client, ann: Person) -> None:
    await client.register(ann)
    await until_answered("rate-limited", lambda: client.look(ann.with_password("was it perhaps this?")))


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


async def the_provider_echoes(stage: Stage) -> set[str]:
    """Return the codes that it was sent."""
    async with open_echoing_provider() as provider:
        service = await stage.serve(**LENIENT, code_digits=CODE_DIGITS, mail_api_url=provider.url)
        await asyncio.gather(*(service.client.register(somebody()) for _ in ANSWERS))
        await provider.everybody_asked.wait()
        service.ask_to_stop()
        await service.exit_status(seconds=10)
    return set(provider.codes)


async def the_provider_fails(service: Service, sandbox: Sandbox) -> None:
    waiting = [somebody() for _ in range(3)]
    for ann, fault in zip(waiting, ("error", "cut_after", "hang"), strict=True):
        before = len(await sandbox.all_attempts())
        await sandbox.misbehave(**{fault: 1, "hang_seconds": 0.5})
        await service.client.register(ann)

        async def has_failed(before: int = before) -> bool:
            return len(await sandbox.all_attempts()) > before

        await until(has_failed, "the mail was handed in")
    await sandbox.misbehave()
    await asyncio.gather(*(service.client.accepted(ann) for ann in waiting))


async def the_database_fails(service: Service, sandbox: Sandbox, proxy: DatabaseProxy) -> None:
    ann = await somebody_active(service, sandbox)
    proxy.lose(Loss.ANSWER, "COMMIT", times=2)
    await registered(service, sandbox, somebody())
    proxy.lose_nothing()
    await proxy.refuse()
    await asyncio.gather(service.client.register(somebody()), service.client.look(ann))
    await proxy.listen()
    await until(service.client.is_ready, "the service is ready again")


async def the_service_fails(service: Service, sandbox: Sandbox) -> list[bytes]:
    """Return what the commands print that follow."""
    client = service.client
    with pytest.raises(httpx2.TimeoutException):
        await client.request("GET", "/v1/users/me", somebody(), timeout=0.001)
    await client.register(somebody())
    service.kill()
    await service.start()
    both_keys = {**service.settings, "secret_key": f"{NEW_SECRET_KEY},{SECRET_KEY}"}
    printed = await outputs(["rekey --new-data-keys"], both_keys)
    await activated(service, sandbox, somebody())
    with_the_wrong_key = await run("rekey", service.settings)
    assert with_the_wrong_key.returncode != 0
    return [*printed, with_the_wrong_key.stderr.encode()]


async def an_operator_looks(stage: Stage) -> list[bytes]:
    """Return what the commands print."""
    ((mail_id, email),) = rows(
        stage.database_url, "SELECT id, email FROM mails WHERE email IS NOT NULL ORDER BY created_at LIMIT 1"
    )
    return await outputs(
        [
            "migrate",
            "mails list",
            "mails list --state accepted --limit 1000 --addresses",
            f"mails show {UUID(bytes=mail_id)} --addresses",
            "mails retry --all",
            f"users show {email}",
            f"users unlock {email}",
            f"users erase --yes {email}",
            "purge",
        ],
        {"database_url": stage.database_url, "secret_key": SECRET_KEY, "log_level": "debug"},
    )


async def outputs(commands: Sequence[str], settings: Mapping[str, object]) -> list[bytes]:
    """Run the commands side by side; return what each prints."""
    done = await asyncio.gather(*(run(command, settings) for command in commands))
    assert [each.stderr for each in done if each.returncode] == []
    return [f"{each.stdout}{each.stderr}".encode() for each in done]


async def metrics_of(service: Service) -> bytes:
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://{LOOPBACK}:{service.settings['admin_port']}/metrics")
        return answer.content


async def codes_of_all_mails(database_url: str) -> dict[str, list[bytes]]:
    """The code of each mail, sent or not, with what the mail's row holds."""
    codes = {}
    async with open_database(parse_database_url(database_url), connections=1) as database:
        keys = await load_keys(database, [NEW_SECRET_KEY])
        for mail_id, credential_id, code_key, *others in rows(
            database_url, "SELECT id, credential_id, code_key, mailbox_key, client_key FROM mails"
        ):
            mail, credential = UUID(bytes=mail_id), UUID(bytes=credential_id)
            code = derive_code(await keys.code_key(code_key), mail, credential, CODE_DIGITS)
            codes[code] = [mail_id, str(mail).encode(), credential_id, *others]
    return codes


def files_of(database_url: str) -> list[bytes]:
    """The contents of this database's files and of those that the server's databases share, where we may read them."""
    ((folder,),) = rows(database_url, "SELECT @@datadir")
    name = urlsplit(database_url).path.strip("/")
    files = [file for pattern in (*SHARED_FILES, f"{name}/*") for file in Path(folder).glob(pattern)]
    return [file.read_bytes() for file in files if os.access(file, os.R_OK)]


def leaks(places: Places, search: Callable[[Collection[bytes]], set[str]]) -> dict[str, set[str]]:
    """Where the search found something, and what."""
    results = {source: search(texts) for source, texts in places.items()}
    return {source: secrets for source, secrets in results.items() if secrets}


def test_the_search_finds_what_is_there(evidence: Evidence) -> None:
    """The sandbox tells the codes, the tables hold the addresses, and all that was meant to happen is in the log."""
    assert len(evidence.addresses) > PEOPLE
    assert len(evidence.mailed) > 2 * PEOPLE
    assert set(evidence.mailed) <= evidence.codes.keys()
    assert len(found(evidence.mailed, [evidence.sandbox_log])) > 2 * PEOPLE
    assert found(evidence.addresses, evidence.stored["tables"])
    assert found(evidence.addresses, evidence.stored["files"]) or not evidence.stored["files"]
    assert found(evidence.addresses, evidence.told["commands"])
    assert all(b"registration_" in text for text in evidence.told["metrics"])
    for event in (b"message_handled", b"mail_attempted", b"database_retry", b"database_unavailable"):
        assert event in b"".join(evidence.told["logs"])


def test_no_password_is_in_the_log(evidence: Evidence) -> None:
    """Nor in the metrics, nor in what commands print."""
    assert leaks(evidence.told, lambda texts: found(evidence.passwords, texts)) == {}


def test_no_code_is_in_the_log(evidence: Evidence) -> None:
    """Nor in the metrics, nor in what commands print."""
    assert leaks(evidence.told, lambda texts: found({WRONG_CODE, *evidence.codes}, texts)) == {}


def test_no_key_and_no_address_of_the_database_is_in_the_log(evidence: Evidence) -> None:
    keys = {SECRET_KEY, NEW_SECRET_KEY, "mysql://"}
    assert leaks(evidence.told, lambda texts: found(keys, texts)) == {}


def test_no_address_is_in_the_metrics(evidence: Evidence) -> None:
    """Commands show them where they are told to, and the log at debug level."""
    assert found(evidence.addresses, evidence.told["metrics"]) == set()


def test_no_password_is_in_a_table_nor_a_hash_that_could_be_tried(evidence: Evidence) -> None:
    passwords = evidence.passwords
    assert (
        leaks(evidence.stored, lambda texts: found(passwords, texts) | found_hashes(passwords, texts)) == {}
    )
    assert found_digests(dict.fromkeys(passwords, ()), evidence.stored["tables"]) == set()
    assert not any(BCRYPT.search(cell) for cell in evidence.stored["tables"])


def test_no_code_is_in_a_table_nor_a_digest_that_could_be_tried(evidence: Evidence) -> None:
    """Nor is such a digest in what is told."""
    assert leaks(evidence.stored, lambda texts: found({WRONG_CODE, *evidence.codes}, texts)) == {}
    told = [text for texts in evidence.told.values() for text in texts]
    assert found_digests({**evidence.codes, WRONG_CODE: ()}, [*evidence.stored["tables"], *told]) == set()
