from datetime import timedelta

import httpx2
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from registration.api.basic_auth import CHALLENGE
from registration.api.problem_schemas import schema_of
from registration.api.problem_types import PROBLEM_TYPES
from registration.api.problems import answer_http_exception, whole_seconds
from registration.domain.errors import (
    AlreadyActive,
    ExpiredCode,
    IncorrectCode,
    InvalidCredentials,
    Overloaded,
    RateLimited,
    Refusal,
    RefusedForNow,
    TooManyAttempts,
    UnacceptablePassword,
    Unavailable,
)
from tests.unit.api.support import REQUESTS, Recorder, problem_of

SOON = timedelta(seconds=17)
EVERYWHERE = list(REQUESTS)
AUTHENTICATED = [name for name in REQUESTS if name != "register"]

REFUSALS: list[tuple[Refusal, int, list[str]]] = [
    (UnacceptablePassword(["too-short", "contains-email"]), 422, ["register"]),
    (InvalidCredentials(), 401, AUTHENTICATED),
    (IncorrectCode(attempts_left=2), 422, ["activate"]),
    (ExpiredCode(), 410, ["activate"]),
    (AlreadyActive(), 409, ["new code"]),
    (TooManyAttempts(SOON), 429, ["register", "activate", "new code"]),
    (RateLimited(SOON), 429, EVERYWHERE),
    (Overloaded(SOON), 503, EVERYWHERE),
    (Unavailable(SOON), 503, EVERYWHERE),
]


@pytest.mark.parametrize(
    "name, refusal, status",
    [(name, refusal, status) for refusal, status, names in REFUSALS for name in names],
    ids=lambda value: type(value).__name__ if isinstance(value, Refusal) else str(value),
)
async def test_each_refusal_is_its_documented_problem(
    client: httpx2.AsyncClient, recorder: Recorder, name: str, refusal: Refusal, status: int
) -> None:
    recorder.refuse_everything(refusal)

    response = await client.request(**REQUESTS[name])

    assert response.status_code == status
    assert problem_of(response) == refusal.code
    assert response.headers["cache-control"] == "no-store"
    schema_of(refusal.code).model_validate(response.json(), extra="forbid")
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"][REQUESTS[name]["url"]][REQUESTS[name]["method"].lower()]
    assert (
        refusal.code in operation["responses"][str(status)]["content"]["application/problem+json"]["examples"]
    )


@pytest.mark.parametrize("refusal", [RateLimited, TooManyAttempts, Overloaded, Unavailable])
async def test_a_refusal_for_now_says_in_header_and_document_when_to_come_back(
    client: httpx2.AsyncClient, recorder: Recorder, refusal: type[RefusedForNow]
) -> None:
    recorder.refuse_everything(refusal(SOON))

    response = await client.request(**REQUESTS["register"])

    assert response.headers["retry-after"] == "17"
    assert response.json()["retry_after"] == 17


@pytest.mark.parametrize(
    "duration, seconds",
    [
        (timedelta(seconds=30), 30),
        (timedelta(seconds=30, microseconds=1), 31),
        (timedelta(milliseconds=1), 1),
        (timedelta(0), 1),
        (timedelta(seconds=-5), 1),
        (timedelta(days=365), 31_536_000),
    ],
)
def test_waiting_times_are_whole_seconds_rounded_up_and_at_least_one(
    duration: timedelta, seconds: int
) -> None:
    assert whole_seconds(duration) == seconds


async def test_a_401_challenges_for_basic_credentials_in_utf8(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    recorder.refuse_everything(InvalidCredentials())

    response = await client.request(**REQUESTS["look"])

    assert response.headers["www-authenticate"] == CHALLENGE
    assert CHALLENGE == 'Basic realm="registration", charset="UTF-8"'


async def test_an_incorrect_code_says_how_many_attempts_are_left(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    recorder.refuse_everything(IncorrectCode(attempts_left=0))

    response = await client.request(**REQUESTS["activate"])

    assert response.json()["attempts_left"] == 0


async def test_an_unacceptable_password_says_why(client: httpx2.AsyncClient, recorder: Recorder) -> None:
    recorder.refuse_everything(UnacceptablePassword(["too-short", "too-common"]))

    response = await client.request(**REQUESTS["register"])

    assert response.json()["reasons"] == ["too-short", "too-common"]


def test_every_refusal_of_the_domain_is_in_the_table() -> None:
    refusals = [refusal for parent in (Refusal, RefusedForNow) for refusal in parent.__subclasses__()]

    assert {refusal.code for refusal in refusals if refusal is not RefusedForNow} <= PROBLEM_TYPES.keys()


async def test_an_http_error_that_routing_does_not_raise_is_unexpected() -> None:
    error = HTTPException(418)

    with pytest.raises(HTTPException) as raised:
        await answer_http_exception(Request({"type": "http"}), error)

    assert raised.value is error
