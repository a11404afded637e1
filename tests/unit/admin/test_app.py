from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from registration.admin.app import create_admin
from registration.admin.operations import OperationsDocument
from registration.admin.status import StatusPage
from registration.domain.guess_chance import guess_chance
from registration.domain.policy import Policy
from registration.ports import Backlog
from tests.unit.admin.states import QUIET


@pytest.fixture
def backlogs() -> list[Backlog | None]:
    """What the database says, one answer for each time it is asked."""
    return [Backlog(3, timedelta(seconds=2.5))]


@pytest.fixture
def overdue() -> list[timedelta | None]:
    """Likewise."""
    return [timedelta(minutes=12)]


@pytest.fixture
async def client(
    backlogs: list[Backlog | None], overdue: list[timedelta | None]
) -> AsyncIterator[httpx2.AsyncClient]:
    async def read_backlog() -> Backlog | None:
        return backlogs.pop(0)

    async def read_overdue() -> timedelta | None:
        return overdue.pop(0)

    async def read_overview() -> None:
        return None

    operations = OperationsDocument()
    status = StatusPage(
        read_backlog, read_overdue, read_overview, lambda: QUIET, guess_chance(Policy()), operations
    )
    transport = httpx2.ASGITransport(create_admin(read_backlog, read_overdue, status, operations))
    async with httpx2.AsyncClient(transport=transport, base_url="http://admin.test") as client:
        yield client


def samples(text: str) -> dict[str, float]:
    """Those without labels."""
    return {
        sample.name: sample.value
        for family in read_text(text)
        for sample in family.samples
        if not sample.labels
    }


async def test_metrics_are_in_prometheus_text(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    told = samples(answer.text)
    assert told["registration_database_up"] == 1
    assert told["registration_outbox_mails"] == 3
    assert told["registration_outbox_oldest_seconds"] == 2.5
    assert told["registration_purge_overdue_seconds"] == 720


async def test_what_the_database_would_have_told_is_absent_while_it_does_not_answer(
    client: httpx2.AsyncClient, backlogs: list[Backlog | None], overdue: list[timedelta | None]
) -> None:
    backlogs.append(None)
    overdue.append(None)
    await client.get("/metrics")

    told = samples((await client.get("/metrics")).text)

    assert told["registration_database_up"] == 0
    assert not [name for name in told if "outbox" in name or "purge" in name]


async def test_prometheus_gets_the_form_that_it_asks_for(client: httpx2.AsyncClient) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"

    answer = await client.get("/metrics", headers={"Accept": accept})

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert "registration_registered" in {family.name for family in read_openmetrics(answer.text)}  # type: ignore[no-untyped-call] # the library's


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_nothing_can_be_changed_here(client: httpx2.AsyncClient, method: str) -> None:
    assert (await client.request(method, "/metrics")).status_code == 405


@pytest.mark.parametrize("path", ["/", "/metrics/", "/v1/users/me", "/health/live", "/docs"])
async def test_what_there_is_not_is_a_404_in_plain_text(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert (answer.status_code, answer.text) == (404, "Not Found")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/metrics", "/nothing"])
async def test_every_answer_tells_browsers_to_be_careful(client: httpx2.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers

    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
