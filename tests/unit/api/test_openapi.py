from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from pydantic import TypeAdapter

from registration.api.problem_schemas import schema_of
from registration.api.schemas import USER_EXAMPLES, UserResponse

Json = dict[str, Any]

OPERATIONS = {
    ("/v1/users", "post"): ("registerUser", {202, 400, 413, 415, 422, 429, 500, 503}),
    ("/v1/users/activation", "post"): (
        "activateUser",
        {200, 400, 401, 410, 413, 415, 422, 429, 500, 503},
    ),
    ("/v1/users/activation-code", "post"): (
        "sendNewCode",
        {202, 400, 401, 409, 413, 415, 429, 500, 503},
    ),
    ("/v1/users/me", "get"): ("getUser", {200, 400, 401, 413, 415, 429, 500, 503}),
    ("/v1/users/me", "delete"): ("eraseUser", {204, 400, 401, 413, 415, 429, 500, 503}),
    ("/health/live", "get"): ("getLiveness", {200, 500}),
    ("/health/ready", "get"): ("getReadiness", {200, 500, 503}),
}


@pytest.fixture
async def document(client: httpx2.AsyncClient) -> Json:
    response = await client.get("/openapi.json")
    return dict(response.json())


def responses_of(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                yield path, status, response


def test_it_is_openapi_3_1_and_names_no_server(document: Json) -> None:
    assert document["openapi"].startswith("3.1.")
    assert "servers" not in document


def test_it_has_every_operation_with_every_answer(document: Json) -> None:
    described = {
        (path, method): (operation["operationId"], {int(status) for status in operation["responses"]})
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }

    assert described == OPERATIONS


def test_every_reference_leads_somewhere_and_no_schema_is_left_over(document: Json) -> None:
    references = set(references_in(document))
    for reference in references:
        place = document
        for key in reference.removeprefix("#/").split("/"):
            place = place[key]
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    assert schemas <= references


def references_in(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from references_in(child)


def test_every_answer_names_its_headers(document: Json) -> None:
    for path, status, response in responses_of(document):
        headers = response["headers"].keys()
        assert "X-Request-ID" in headers
        assert ("Cache-Control" in headers) == path.startswith("/v1/")
        assert ("WWW-Authenticate" in headers) == (status == "401")
        assert ("Retry-After" in headers) == (status in {"429", "503"})


def test_every_problem_has_an_example_of_its_schema(document: Json) -> None:
    for path, status, response in responses_of(document):
        if int(status) < 400 or (path == "/health/ready" and status == "503"):
            continue
        (content,) = response["content"].items()
        media_type, described = content
        assert media_type == "application/problem+json"
        for code, example in described["examples"].items():
            schema_of(code).model_validate(example["value"], extra="forbid")
            assert example["value"]["status"] == int(status)
            assert example["value"]["type"] == f"/problems/{code}"
            assert f"`{code}`" in response["description"]


def test_basic_credentials_are_asked_for_everywhere_but_at_registration_and_health(document: Json) -> None:
    assert document["components"]["securitySchemes"]["basic"]["scheme"] == "basic"
    for path, method in OPERATIONS:
        asks = document["paths"][path][method].get("security") == [{"basic": []}]
        assert asks == path.startswith("/v1/users/")


def test_the_examples_of_users_are_users() -> None:
    for example in USER_EXAMPLES.values():
        user: TypeAdapter[Any] = TypeAdapter(UserResponse)
        assert user.dump_python(user.validate_python(example["value"])) == example["value"]
