"""What a collector is sent: a trace for each request, with its mail in it, whoever sends that and when."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.client import Person, somebody
from tests.end_to_end.collector import CLIENT, SERVER, Collector, Span, open_collector
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.secrets_search import found
from tests.end_to_end.service import LENIENT, Service
from tests.end_to_end.stage import Stage, open_stage
from tests.end_to_end.tables import rows
from tests.end_to_end.waiting import until
from tests.private_database import Databases

STOP_SECONDS = 10
READING = "SELECT wrong_codes accounts mails"
CALLERS_TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLERS_SPAN = "b7ad6b7169203331"


@dataclass
class Place:
    stage: Stage
    collector: Collector

    @property
    def sandbox(self) -> Sandbox:
        return self.stage.sandbox

    async def serve(self, **settings: object) -> Service:
        with tracing_to(self.collector):
            return await self.stage.serve(**settings)

    async def register(self, service: Service, person: Person, request_id: str, **headers: str) -> None:
        response = await service.client.request(
            "POST",
            "/v1/users",
            json={"email": person.email, "password": person.password},
            headers={"X-Request-ID": request_id, **headers},
        )
        assert response.status_code == 202
        service.client.people.add(person)


@contextmanager
def tracing_to(collector: Collector) -> Iterator[None]:
    """For what is started within."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in collector.environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
async def place(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with (
        open_collector() as collector,
        open_stage(databases.fresh(), tmp_path_factory.mktemp("stage")) as stage,
    ):
        yield Place(stage, collector)
        assert [service.errors() for service in stage.services] == [[]] * len(stage.services)


@pytest.fixture(scope="module")
async def service(place: Place) -> Service:
    """With codes of eight digits, so that none of them is anywhere by chance."""
    return await place.serve(**LENIENT, code_digits=8)


def one(spans: list[Span], name: str) -> Span:
    (span,) = (span for span in spans if span.name == name)
    return span


def children(spans: list[Span], parent: Span) -> list[str]:
    return [span.name for span in spans if span.parent_id == parent.id]


def assert_whole(trace: list[Span]) -> Span:
    """It is one tree; return its root."""
    ids = {span.id for span in trace}
    (root,) = (span for span in trace if span.parent_id not in ids)
    return root


async def test_a_registration_is_a_trace_from_the_request_to_the_acceptance_of_its_mail(
    place: Place, service: Service
) -> None:
    await place.register(service, somebody(), "registering")

    trace = await place.collector.trace_of("registering", "mail", "POST /v1/users")

    request = assert_whole(trace)
    assert (request.name, request.kind, request.parent_id) == ("POST /v1/users", SERVER, "")
    assert request.service == "registration"
    assert request.attributes == {
        "registration.request_id": "registering",
        "url.scheme": "http",
        "http.request.method": "POST",
        "http.route": "/v1/users",
        "http.response.status_code": 202,
    }
    command = one(trace, "RegisterUser")
    assert command.parent_id == request.id
    assert command.attributes == {"registration.outcome": "ok"}
    # Its own work, then the mail, which was stored with the trace that it belongs to.
    assert children(trace, command) == [READING, "hash", "transaction", "mail"]
    assert children(trace, one(trace, "transaction")) == [
        "BEGIN",
        "INSERT address_guards",
        READING,
        "INSERT accounts",
        "INSERT mails",
        "COMMIT",
    ]
    mail = one(trace, "mail")
    assert mail.parent_id == command.id
    assert mail.attributes["registration.mail.attempt"] == 1
    assert children(trace, mail) == ["render", "send by mailpit", "UPDATE mails"]
    attempt = one(trace, "send by mailpit")
    assert (attempt.kind, attempt.failed) == (CLIENT, False)
    assert attempt.attributes["registration.mail.provider"] == "mailpit"
    assert attempt.attributes["registration.mail.outcome"] == "accepted"


async def test_a_statement_is_told_as_it_stands_in_the_source(place: Place, service: Service) -> None:
    await place.register(service, somebody(), "statements")

    trace = await place.collector.trace_of("statements", "POST /v1/users")

    guard = one(trace, "INSERT address_guards")
    assert guard.kind == CLIENT
    assert guard.attributes == {
        "db.system.name": "mysql",
        "db.operation.name": "INSERT",
        "db.query.text": "INSERT INTO address_guards (mailbox_key, version) VALUES (%s, 1)"
        " ON DUPLICATE KEY UPDATE version = version + 1",
    }


async def test_a_hash_says_how_long_it_waited_and_took(place: Place, service: Service) -> None:
    await place.register(service, somebody(), "hashing")

    trace = await place.collector.trace_of("hashing", "POST /v1/users")

    assert set(one(trace, "hash").attributes) == {
        "registration.hash.waited_seconds",
        "registration.hash.computed_seconds",
    }


async def test_a_refusal_is_an_outcome_and_no_failure(place: Place, service: Service) -> None:
    await service.client.request("GET", "/v1/users/me", somebody(), headers={"X-Request-ID": "refused"})

    trace = await place.collector.trace_of("refused", "GET /v1/users/me")

    assert one(trace, "GetUser").attributes == {"registration.outcome": "invalid-credentials"}
    assert not [span for span in trace if span.failed]


async def test_a_trace_of_the_callers_goes_on(place: Place, service: Service) -> None:
    traceparent = f"00-{CALLERS_TRACE}-{CALLERS_SPAN}-01"
    await place.register(service, somebody(), "called", traceparent=traceparent)

    trace = await place.collector.trace_of("called", "mail", "POST /v1/users")

    assert trace[0].trace_id == CALLERS_TRACE
    assert assert_whole(trace).parent_id == CALLERS_SPAN


async def test_what_the_caller_does_not_sample_is_not_sent_nor_is_its_mail(
    place: Place, service: Service
) -> None:
    trace_id, ann = "1" * 32, somebody()
    await place.register(service, ann, "unsampled", traceparent=f"00-{trace_id}-{CALLERS_SPAN}-00")
    await place.sandbox.newest(ann.email)
    await place.register(service, somebody(), "sampled")

    await place.collector.trace_of("sampled", "mail")

    assert place.collector.trace(trace_id) == []
    stored = rows(place.stage.database_url, "SELECT trace_parent FROM mails WHERE request_id = 'unsampled'")
    ((trace_parent,),) = stored
    assert trace_parent.startswith(f"00-{trace_id}-")
    assert trace_parent.endswith("-00")


async def test_a_mail_that_a_later_attempt_sends_is_in_the_trace_of_its_registration(
    place: Place, service: Service
) -> None:
    await place.sandbox.misbehave(error=1)
    await place.register(service, somebody(), "retried")
    await place.collector.trace_of("retried", "mail")
    await place.sandbox.misbehave()

    async def is_sent() -> list[Span]:
        return [span for span in await attempts("retried") if not span.failed]

    async def attempts(request_id: str) -> list[Span]:
        trace = await place.collector.trace_of(request_id, "mail")
        return [span for span in trace if span.name == "send by mailpit"]

    await until(is_sent, "the mail is sent")
    trace = await place.collector.trace_of("retried", "mail", "mail", "POST /v1/users")
    assert_whole(trace)
    outcomes = [span.attributes["registration.mail.outcome"] for span in await attempts("retried")]
    assert outcomes == [*["unknown"] * (len(outcomes) - 1), "accepted"]
    numbers = [span.attributes["registration.mail.attempt"] for span in trace if span.name == "mail"]
    assert numbers == list(range(1, len(outcomes) + 1))


async def test_a_mail_that_another_process_sends_is_in_the_trace_of_its_registration(place: Place) -> None:
    first = await place.serve(**LENIENT)
    await place.sandbox.misbehave(error=1)
    await place.register(first, somebody(), "restarted")
    await place.collector.trace_of("restarted", "mail")
    first.ask_to_stop()
    assert await first.exit_status(STOP_SECONDS) == 0
    await place.sandbox.misbehave()

    with tracing_to(place.collector):
        await first.start()
    trace = await place.collector.trace_of("restarted", "mail", "mail", "POST /v1/users")

    assert_whole(trace)


async def test_what_nobody_asked_for_makes_no_trace(place: Place, service: Service) -> None:
    """The courier looks for what is due every second."""
    await place.register(service, somebody(), "asked")
    await place.collector.trace_of("asked", "mail")

    beginnings = [span for span in place.collector.spans if not span.parent_id]
    assert {span.kind for span in beginnings} == {SERVER}


async def test_no_secret_and_no_address_is_in_a_trace(place: Place, service: Service) -> None:
    ann = somebody()
    await place.register(service, ann, "secret")
    mail = await place.sandbox.newest(ann.email)
    secret = "of the caller's making"
    await service.client.request("GET", f"/v1/users/{secret}", params={secret: secret})
    await service.client.activate(ann.with_password("not the right one"), mail.code)
    response = await service.client.request(
        "POST",
        "/v1/users/activation",
        ann,
        json={"code": mail.code},
        headers={"X-Request-ID": "activating"},
    )
    assert response.status_code == 200
    await place.collector.trace_of("activating", "POST /v1/users/activation")

    received = place.collector.received
    people = service.client.people
    assert found(["activating", "UPDATE accounts"], received) == {"activating", "UPDATE accounts"}
    assert found({person.email for person in people}, received) == set()
    assert found({*service.client.passwords, mail.code, secret}, received) == set()
    assert found({person.authorization.removeprefix("Basic ") for person in people}, received) == set()


async def test_a_collector_that_hangs_holds_nobody_up_not_even_beside_a_provider_that_hangs(
    own_stage: Stage,
) -> None:
    async with open_collector() as collector:
        collector.hangs = True
        service = await everybody_is_served(own_stage, collector)
        await own_stage.sandbox.misbehave(hang=1)
        await service.client.register(somebody())

        async def is_on_the_wire() -> bool:
            return any(attempt.fault == "hang" for attempt in await own_stage.sandbox.all_attempts())

        await until(is_on_the_wire, "a mail is on the wire")
        service.ask_to_stop()
        assert await service.exit_status(STOP_SECONDS) == 0
        assert collector.received
    assert len(words_of_the_exporter(service)) <= 3


async def test_a_collector_that_is_away_holds_nobody_up_and_costs_some_lines_in_the_log(
    own_stage: Stage,
) -> None:
    service = await everybody_is_served(own_stage, Collector())
    service.ask_to_stop()
    assert await service.exit_status(STOP_SECONDS) == 0
    assert 1 <= len(words_of_the_exporter(service)) <= 3


async def everybody_is_served(stage: Stage, collector: Collector) -> Service:
    with tracing_to(collector):
        service = await stage.serve(**LENIENT)
    people = [somebody() for _ in range(10)]
    answers = await asyncio.gather(*map(service.client.register, people))
    await stage.sandbox.has_reached(people)
    assert [answer.status_code for answer in answers] == [202] * len(people)
    service.answered_in_time()
    return service


def words_of_the_exporter(service: Service) -> list[dict[str, Any]]:
    return [line for line in service.log() if line["logger"].startswith("opentelemetry")]
