"""The status page of a real service, after what happens to people and providers; and the funnel that it shows."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pymysql
from prometheus_client.parser import text_string_to_metric_families

from config.settings import parse_database_url
from tests.end_to_end.client import somebody
from tests.end_to_end.secrets_search import found
from tests.end_to_end.service import LENIENT, SECRET_KEY, Service
from tests.end_to_end.stage import Stage, activated, open_stage, past_the_join_window, registered
from tests.end_to_end.tables import rows
from tests.end_to_end.waiting import until
from tests.private_database import Databases
from tools.addresses import LOOPBACK, free_port
from tools.private_mariadb import PrivateServer

OUTAGE_ANSWER_SECONDS = 2.0
STOP_SECONDS = 10
LONG_AGO = timedelta(hours=2)
"""Settled when the service starts, and to be caught up with in one run."""


async def ask(service: Service, path: str, seconds: float = 30) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=seconds) as client:
        return await client.get(f"http://{LOOPBACK}:{service.settings['admin_port']}{path}")


async def look(service: Service, seconds: float = 30) -> str:
    """What there is to read on the page, in one line."""
    answer = await ask(service, "/status", seconds)
    assert answer.status_code == 200
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", answer.text, flags=re.DOTALL)
    return " ".join(text.replace("\N{NARROW NO-BREAK SPACE}", " ").split())


async def headline(service: Service) -> str:
    (told,) = re.findall(r"<h1>.*</span> (.*)</h1>", (await ask(service, "/status")).text)
    assert isinstance(told, str)
    return told


def last_hour(told: str) -> tuple[int, ...]:
    """Registered, mailed, activated, unused and gone, whether or not that is settled."""
    hour, _, _ = told.partition("by the half hour")
    number, unused = r"(\d+) ", "(?:expired unused|may still activate)"
    bars = re.findall(
        f"{number}registered, {number}mailed, {number}activated, {number}{unused}, {number}gone", hour
    )
    return tuple(sum(int(bar[place]) for bar in bars) for place in range(5))


def execute(database_url: str, *statements: str) -> None:
    server = parse_database_url(database_url)
    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def let_pass(database_url: str, duration: timedelta) -> None:
    """Make all that there is so much older."""
    seconds = duration.total_seconds()
    execute(
        database_url,
        f"UPDATE accounts SET registered_at = registered_at - INTERVAL {seconds} SECOND, "  # noqa: S608 - a number
        f"activated_at = activated_at - INTERVAL {seconds} SECOND",
        f"UPDATE mails SET created_at = created_at - INTERVAL {seconds} SECOND, "  # noqa: S608 - a number
        f"accepted_at = accepted_at - INTERVAL {seconds} SECOND",
    )


async def test_after_journeys_all_is_well_and_they_show_and_nobody_can_be_recognised(
    own_stage: Stage,
) -> None:
    service, sandbox = await own_stage.serve(admin_port=free_port(), **LENIENT), own_stage.sandbox
    assert "Nobody has registered." in await look(service)
    ann, bob = somebody(), somebody()
    await activated(service, sandbox, ann)
    mail = await registered(service, sandbox, bob)
    await service.client.accepted(bob)
    await past_the_join_window(service, ann)
    await service.client.register(ann.with_password("another password of ann's"))

    async def shows_them() -> str | None:
        told = await look(service)
        return told if last_hour(told) == (2, 2, 1, 1, 0) and "… accepted 3" in told else None

    told = await until(shows_them, "the page shows them")

    assert await headline(service) == "All well"
    assert "Answers yes" in told
    html = (await ask(service, "/status")).text.encode()
    people = {ann.email, ann.password, bob.email, bob.password, "another password of ann's"}
    assert found({*people, SECRET_KEY, mail.code}, [html]) == set()


async def test_while_the_provider_fails_it_says_so_with_the_reason_and_then_that_all_is_well(
    own_stage: Stage,
) -> None:
    service, sandbox = await own_stage.serve(admin_port=free_port(), **LENIENT), own_stage.sandbox
    await sandbox.misbehave(error=1)
    for _ in range(12):
        await service.client.register(somebody())

    async def is_down() -> str | None:
        told = await look(service)
        waiting = re.search(r"Waiting or on the wire 12 Oldest [0-9.]+ (ms|s) … “status 500”", told)
        return told if waiting and await headline(service) == "Mail provider down" else None

    told = await until(is_down, "the page says that the provider is down")
    assert "docs/operations.md, “all-providers-down”" in told
    assert "Last failure status 500 unknown, " in told

    await sandbox.misbehave()

    async def is_well() -> bool:
        return await headline(service) == "All well" and "Waiting or on the wire 0" in await look(service)

    await until(is_well, "the page says that all is well", seconds=40)


async def test_while_the_database_is_away_it_answers_with_what_the_process_knows(
    own_server: PrivateServer, tmp_path: Path
) -> None:
    async with open_stage(own_server.url(), tmp_path) as stage:
        service = await stage.serve(admin_port=free_port())
        own_server.pause()
        try:
            told = await look(service, OUTAGE_ANSWER_SECONDS)
            again = await look(service, OUTAGE_ANSWER_SECONDS)
        finally:
            own_server.resume()

    for text in (told, again):
        assert "Database down" in text
        assert "Not known: the database has not told it within a second." in text
        assert "Mail provider mailpit" in text


async def test_while_it_ends_it_says_so(own_stage: Stage) -> None:
    service, sandbox = await own_stage.serve(admin_port=free_port()), own_stage.sandbox
    await sandbox.misbehave(slow=1, slow_seconds=3)
    await service.client.register(somebody())

    async def is_handed_in() -> bool:
        return bool(await sandbox.all_attempts())

    async def is_stopping() -> bool:
        return await headline(service) == "Stopping"

    await until(is_handed_in, "the mail is handed in")
    service.ask_to_stop()

    await until(is_stopping, "the page says that the process ends", seconds=3)
    assert await service.exit_status(STOP_SECONDS) == 0


async def test_of_several_replicas_one_settles_each_minute_and_who_left_is_counted_once(
    own_stage: Stage,
) -> None:
    database_url, sandbox = own_stage.database_url, own_stage.sandbox
    first = await own_stage.serve(**LENIENT)
    people = [somebody() for _ in range(4)]
    for person in people:
        await registered(first, sandbox, person)
        await first.client.accepted(person)
    mail = await sandbox.newest(people[0].email)
    assert (await first.client.activate(people[0], mail.code)).status_code == 200
    assert (await first.client.erase(people[1])).status_code == 204
    first.ask_to_stop()
    assert await first.exit_status(STOP_SECONDS) == 0
    let_pass(database_url, LONG_AGO)

    replicas = await asyncio.gather(
        *(own_stage.serve(admin_port=free_port(), code_ttl_seconds=60) for _ in range(3))
    )

    async def is_settled() -> bool:
        newest: datetime | None = rows(database_url, "SELECT MAX(minute) FROM funnel")[0][0]
        return newest is not None and datetime.now(UTC) - newest.replace(tzinfo=UTC) < timedelta(minutes=13)

    await until(is_settled, "all that can be is settled")
    counts = rows(
        database_url,
        "SELECT SUM(registered), SUM(mailed), SUM(activated), SUM(expired_unused), SUM(codes), SUM(notices) FROM funnel",
    )
    assert counts == [(4, 4, 1, 2, 4, 0)]
    assert sum([await expired_unused(replica) for replica in replicas]) == 2
    for replica in replicas:
        assert "registered 4 settled mailed 4 100 % activated 1 25 % unused 2 50 % gone 1 25 %" in await look(
            replica
        )
        assert not replica.errors()


async def expired_unused(service: Service) -> float:
    text = (await ask(service, "/metrics")).text
    (value,) = (
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "registration_expired_unused_total"
    )
    return float(value)


async def test_on_the_schema_of_the_release_before_it_serves_all_the_same_and_says_so_once(
    databases: Databases, tmp_path: Path
) -> None:
    database_url = databases.fresh()
    execute(database_url, "DROP TABLE funnel")
    async with open_stage(database_url, tmp_path) as stage:
        service = await stage.serve(admin_port=free_port())
        await activated(service, stage.sandbox, somebody())

        told = await look(service)

        assert await headline(service) == "All well"
        assert last_hour(told) == (1, 1, 1, 0, 0)
    skipped = [line["task"] for line in service.log() if line["event"] == "task_skipped"]
    assert skipped == ["funnel"]
    assert not service.errors()
