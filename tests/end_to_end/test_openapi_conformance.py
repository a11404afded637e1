"""Schemathesis asks what the OpenAPI document allows and what it forbids, and holds each answer against the document.

It asks as people in every state that an operation may find them in, until each answer is met that the document names.
There is no run along links, for the document has none: what one request needs of another is a password or a code, and
no answer holds either.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from copy import deepcopy
from typing import Any

import pytest
import requests
import schemathesis
from schemathesis import APIOperation, Case, CheckContext, Config, GenerationMode, Response
from schemathesis.core.result import Ok

from registration.api.app import create_api
from registration.api.openapi import with_figures_of
from registration.api.services import Services
from registration.domain.policy import Policy
from tests.end_to_end.client import Person, somebody, until_answered
from tests.end_to_end.service import LENIENT, Service
from tests.end_to_end.stage import Stage, activated, past_the_join_window, registered

Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Operation]

EXAMPLES = 40
"""Of each operation. With 3000 it takes four minutes."""

PROBLEM = "application/problem+json"
MALFORMED = {"malformed-json", "payload-too-large", "unsupported-media-type", "invalid-request"}
NEEDS_MORE_THAN_A_REQUEST = {"internal-error", "overloaded", "unavailable", "503", "payload-too-large"}

SETTLED = OWNER, EXPIRED, GUESSER, INSISTENT, SHUT_OUT = [somebody() for _ in range(5)]
"""Whoever has a user, a code that is over, too many wrong codes, too many mails, too many wrong passwords."""

REGISTERING = OWNER, GUESSER, INSISTENT
"""Those of them whose state another registration does not change."""


def no_services() -> AbstractAsyncContextManager[Services]:
    raise AssertionError("to describe itself the application is not started")


# Schemathesis makes a test of each operation when pytest collects them, before any service runs.
DOCUMENT = with_figures_of(Policy(), create_api(no_services).openapi())

api = schemathesis.openapi.from_dict(
    deepcopy(DOCUMENT),
    config=Config.from_dict(
        {
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
            # All checks but one: no schema can say which passwords are common, or which code was mailed, so that
            # what fits it may be refused. `takes_what_is_well_formed` says for what it may not.
            "checks": {"positive_data_acceptance": {"enabled": False}},
        }
    ),
)


class Callers:
    """Everybody in turn, once more for each operation, and for requests that fit the document and that do not."""

    def __init__(self) -> None:
        self._turns: dict[object, Iterator[Person | None]] = defaultdict(self._everybody)

    def next_for(self, case: AnyCase) -> Person | None:
        """One of the settled, somebody new, or nobody."""
        return next(self._turns[case.operation.label, mode_of(case)])

    @staticmethod
    def _everybody() -> Iterator[Person | None]:
        while True:
            yield from (somebody(), *SETTLED, None)


@pytest.fixture(scope="module")
def callers() -> Callers:
    return Callers()


@pytest.fixture(scope="module")
async def hasty(stage: Stage, lenient: Service) -> Service:
    """Where codes live for a second and a client may cause three mails; everybody is brought into their state."""
    client, sandbox = lenient.client, stage.sandbox
    await asyncio.gather(
        activated(lenient, sandbox, OWNER),
        *(registered(lenient, sandbox, person) for person in (EXPIRED, GUESSER, INSISTENT)),
    )
    wrong = await sandbox.wrong_code(GUESSER.email)
    for _ in range(2):  # the three that spend a code, then what is left of a client's five
        await until_answered("too-many-attempts", lambda: client.activate(GUESSER, wrong))
        await client.new_code(GUESSER)
    hasty = await stage.serve(**{**LENIENT, "code_ttl_seconds": 1, "mails_per_hour": 6})
    await until_answered("rate-limited", lambda: hasty.client.new_code(INSISTENT))
    await until_answered("rate-limited", lambda: hasty.client.look(SHUT_OUT))
    await past_the_join_window(hasty, INSISTENT)
    return hasty


@pytest.fixture(scope="module")
def met() -> Iterator[dict[str, set[str]]]:
    """Of each operation the answers that were met: in the end all that are documented."""
    met: dict[str, set[str]] = defaultdict(set)
    yield met
    operations = [result.ok() for result in api.get_all_operations() if isinstance(result, Ok)]
    missed = {each.label: documented(each) - out_of_reach(each) - met[each.label] for each in operations}
    assert not any(missed.values()), missed


@pytest.fixture(scope="module")
async def loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def test_the_document_that_is_held_against_the_service_is_the_one_it_serves(hasty: Service) -> None:
    assert (await hasty.client.request("GET", "/openapi.json")).json() == DOCUMENT


@api.parametrize()
def test_every_answer_is_as_the_document_says(
    case: AnyCase, hasty: Service, callers: Callers, met: dict[str, set[str]], loop: asyncio.AbstractEventLoop
) -> None:
    """A plain function, as Schemathesis wants it, that lets the loop go on with what other tests have begun."""
    answer = loop.run_until_complete(ask(case, hasty, callers.next_for(case)))
    if is_documented(case):
        met[case.operation.label].add(answer)


async def ask(case: AnyCase, service: Service, caller: Person | None) -> str:
    """Send the request, check the answer, and return it in a word."""
    if caller and caller not in SETTLED:
        await service.client.register(caller)
    if caller in REGISTERING and case.path == "/v1/users" and mode_of(case).is_positive:
        assert caller
        assert isinstance(case.body, dict)
        case.body = {**case.body, "email": caller.email, "password": caller.password}
    headers = {"Authorization": caller.authorization} if caller else {}

    def exchange() -> Response:
        with requests.Session() as session:
            session.trust_env = False
            return case.call_and_validate(
                service.client.url,
                session,
                headers,
                additional_checks=[names_a_documented_problem, takes_what_is_well_formed],
            )

    return word_for(await asyncio.to_thread(exchange))


def names_a_documented_problem(_: CheckContext, response: Response, case: AnyCase) -> None:
    if is_documented(case):
        assert word_for(response) in documented(case.operation)


def takes_what_is_well_formed(_: CheckContext, response: Response, case: AnyCase) -> None:
    if mode_of(case).is_positive:
        assert word_for(response) not in MALFORMED


def word_for(response: Response) -> str:
    """The problem's code, or the status of what is no problem."""
    if response.headers.get("content-type") == [PROBLEM]:
        return str(response.json()["type"]).removeprefix("/problems/")
    return str(response.status_code)


def documented(operation: Operation) -> set[str]:
    words: set[str] = set()
    for status, response in operation.definition.raw["responses"].items():
        problem = response.get("content", {}).get(PROBLEM)
        words |= {status} if problem is None else set(problem["examples"])
    return words


def out_of_reach(operation: Operation) -> set[str]:
    """What takes a fault, a long body, or a body where none belongs."""
    return NEEDS_MORE_THAN_A_REQUEST if operation.body else NEEDS_MORE_THAN_A_REQUEST | MALFORMED


def is_documented(case: AnyCase) -> bool:
    """Whether the request is for the operation, rather than by a method that its path does not have."""
    return str(case.method).upper() == case.operation.method.upper()


def mode_of(case: AnyCase) -> GenerationMode:
    assert case.meta is not None
    return case.meta.generation.mode
