from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.end_to_end.client import OTHER_PASSWORD, PASSWORD, Client, Person, problem, somebody, time_of
from tests.end_to_end.sandbox import Sandbox
from tests.end_to_end.service import Service
from tests.end_to_end.stage import activated, past_the_join_window, registered, somebody_active

MARK = "xyzzy"
"""Whatever a bad request holds, this is in it, and nothing of it may come back."""


def has_the_headers_of_every_answer(response: httpx2.Response, media_type: str = "application/json") -> None:
    assert response.headers["content-type"] == media_type
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"]
    assert "server" not in response.headers


async def test_registering_is_answered_with_exactly_this(client: Client) -> None:
    ann = somebody()

    response = await client.request(
        "POST",
        "/v1/users",
        json={"email": ann.email, "password": ann.password, "unknown": MARK},
        headers={"X-Request-ID": "Order_66.a-b"},
    )

    assert response.status_code == 202
    assert response.json() == {"email": ann.email, "code_ttl_seconds": 60}
    has_the_headers_of_every_answer(response)
    assert response.headers["x-request-id"] == "Order_66.a-b"


async def test_a_pending_user_is_exactly_this(service: Service, sandbox: Sandbox) -> None:
    ann = somebody()
    await registered(service, sandbox, ann)

    user = await service.client.accepted(ann)

    registered_at = time_of(user["registered_at"])
    expires_at = time_of(user["activation"]["code_expires_at"])
    assert user == {
        "email": ann.email,
        "status": "pending",
        "registered_at": user["registered_at"],
        "activated_at": None,
        "activation": {
            "mail": "accepted",
            "code_expires_at": user["activation"]["code_expires_at"],
            "new_code_at": user["activation"]["new_code_at"],
        },
    }
    assert expires_at > registered_at + timedelta(seconds=60)
    assert time_of(user["activation"]["new_code_at"]) == registered_at + timedelta(seconds=30)


async def test_an_active_user_is_exactly_this(service: Service, sandbox: Sandbox) -> None:
    ann = somebody()

    user = await activated(service, sandbox, ann)

    assert user == {
        "email": ann.email,
        "status": "active",
        "registered_at": user["registered_at"],
        "activated_at": user["activated_at"],
    }
    assert time_of(user["registered_at"]) < time_of(user["activated_at"])
    response = await service.client.look(ann)
    assert (response.status_code, response.json()) == (200, user)
    has_the_headers_of_every_answer(response)


async def test_a_new_code_is_answered_like_a_registration(lenient: Service, sandbox: Sandbox) -> None:
    ann = somebody()
    await registered(lenient, sandbox, ann)

    response = await lenient.client.new_code(ann)

    assert (response.status_code, response.json()) == (202, {"email": ann.email, "code_ttl_seconds": 60})
    await sandbox.newest(ann.email, count=2)


async def test_each_refusal_of_credentials_codes_and_haste_is_its_problem(
    service: Service, sandbox: Sandbox
) -> None:
    client, ann, bob = service.client, somebody(), await somebody_active(service, sandbox)
    right = (await registered(service, sandbox, ann)).code
    wrong = await sandbox.wrong_code(ann.email)

    refused = problem(await client.new_code(ann), 429, "rate-limited")
    assert refused["retry_after"] <= 30
    problem(await client.look(ann.with_password(OTHER_PASSWORD)), 401, "invalid-credentials")
    problem(await client.new_code(bob), 409, "already-active")
    for left in (2, 1, 0):
        document = problem(await client.activate(ann, wrong), 422, "incorrect-code", {"attempts_left"})
        assert document["attempts_left"] == left
    refused = problem(await client.activate(ann, right), 429, "too-many-attempts")
    assert refused["retry_after"] <= 30
    await past_the_join_window(service, ann)
    problem(await client.register(ann), 429, "rate-limited")


async def test_a_401_names_the_scheme_and_its_charset(client: Client) -> None:
    for authorization in ({}, {"Authorization": "Basic ?"}, {"Authorization": somebody().authorization}):
        response = await client.request("GET", "/v1/users/me", headers=authorization)
        problem(response, 401, "invalid-credentials")
        assert response.headers["www-authenticate"] == 'Basic realm="registration", charset="UTF-8"'


JSON = {"Content-Type": "application/json"}
BAD_REQUESTS: dict[str, tuple[dict[str, Any], int, str, set[str]]] = {
    "no JSON": ({"content": f'{{"email": "{MARK}"', "headers": JSON}, 400, "malformed-json", set()),
    "no body": ({"content": "", "headers": JSON}, 400, "malformed-json", set()),
    "another media type": ({"data": {"email": MARK}}, 415, "unsupported-media-type", set()),
    "over 16 KiB": ({"json": {"email": MARK * 4000}}, 413, "payload-too-large", set()),
    "no object": ({"json": [MARK]}, 422, "invalid-request", {"errors"}),
    "no password": ({"json": {"email": f"{MARK}@example.org"}}, 422, "invalid-request", {"errors"}),
    "an unknown member only": ({"json": {MARK: MARK}}, 422, "invalid-request", {"errors"}),
    "no address": ({"json": {"email": MARK, "password": MARK * 2}}, 422, "invalid-request", {"errors"}),
    "a password that is no text": (
        {"json": {"email": f"{MARK}@example.org", "password": [MARK]}},
        422,
        "invalid-request",
        {"errors"},
    ),
    "a control character": (
        {"json": {"email": f"{MARK}@example.org", "password": f"{MARK}\0{MARK}"}},
        422,
        "invalid-request",
        {"errors"},
    ),
    "a bad password": (
        {"json": {"email": f"{MARK}@example.org", "password": MARK}},
        422,
        "unacceptable-password",
        {"reasons"},
    ),
}


@pytest.mark.parametrize("bad", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
async def test_bad_input_is_its_problem_and_none_of_it_is_echoed(
    client: Client, bad: tuple[dict[str, Any], int, str, set[str]]
) -> None:
    request, status, code, members = bad

    response = await client.request("POST", "/v1/users", **request)

    problem(response, status, code, members)
    has_the_headers_of_every_answer(response, "application/problem+json")
    assert MARK not in f"{response.headers.multi_items()} {response.text}"


async def test_invalid_fields_are_listed_by_name(client: Client) -> None:
    response = await client.request("POST", "/v1/users", json={"email": 7})

    errors = problem(response, 422, "invalid-request", {"errors"})["errors"]
    assert {error["field"] for error in errors} == {"email", "password"}
    assert all(set(error) == {"field", "detail"} for error in errors)


@pytest.mark.parametrize(
    "password, reason",
    [
        ("1234567", "too-short"),
        ("x" * 257, "too-long"),
        ("password1", "too-common"),
        ("my address is {email}!", "contains-email"),
    ],
)
async def test_an_unacceptable_password_is_told_why(client: Client, password: str, reason: str) -> None:
    email = somebody().email
    response = await client.request(
        "POST", "/v1/users", json={"email": email, "password": password.format(email=email)}
    )

    document = problem(response, 422, "unacceptable-password", {"reasons"})
    assert reason in document["reasons"]


@pytest.mark.parametrize("code", ["123", "12345", "12a4", " 123", "١٢٣٤", 1234, None, ["1234"]])
async def test_a_malformed_code_is_refused_before_the_credentials_are_looked_at(
    client: Client, code: object
) -> None:
    response = await client.request("POST", "/v1/users/activation", json={"code": code})
    problem(response, 422, "invalid-request", {"errors"})


async def test_paths_and_methods_that_there_are_not_are_problems(client: Client) -> None:
    problem(await client.request("GET", f"/v1/{MARK}"), 404, "not-found")
    problem(await client.request("GET", "/metrics"), 404, "not-found")
    problem(await client.request("GET", "/status"), 404, "not-found")
    response = await client.request("GET", "/v1/users")
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("bad_id", ["", "a" * 129, "with space", "<script>", "ä"])
async def test_a_request_id_of_another_form_is_replaced(client: Client, bad_id: str) -> None:
    response = await client.request("GET", "/v1/users/me", headers={"X-Request-ID": bad_id.encode()})

    document = problem(response, 401, "invalid-credentials")
    assert document["request_id"] != bad_id
    assert len(document["request_id"]) >= 16


async def test_every_problem_has_a_page_for_people(client: Client) -> None:
    document = problem(await client.look(somebody()), 401, "invalid-credentials")

    page = await client.request("GET", document["type"])

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert document["title"] in page.text


async def test_health_is_exactly_this(client: Client) -> None:
    live, ready = await client.liveness(), await client.readiness()

    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ok", "checks": {"database": "ok", "mail": "ok"}},
    )


async def test_the_documentation_is_served_and_asks_no_other_host(client: Client) -> None:
    described = (await client.request("GET", "/openapi.json")).json()
    page = await client.request("GET", "/docs")

    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) >= {
        "/v1/users",
        "/v1/users/activation",
        "/v1/users/activation-code",
        "/v1/users/me",
        "/health/live",
        "/health/ready",
    }
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text


async def test_one_mailbox_is_one_user_however_it_is_spelled(service: Service, sandbox: Sandbox) -> None:
    composed = somebody()
    composed = Person(composed.email.replace("ann", "an\u00e9"), PASSWORD)
    await activated(service, sandbox, composed)
    shouting = Person(composed.email.upper(), PASSWORD)
    decomposed = Person(composed.email.replace("\u00e9", "e\u0301"), PASSWORD)
    other = Person(composed.email.replace("\u00e9", "e"), PASSWORD)

    for spelled in (shouting, decomposed):
        assert (await service.client.look(spelled)).json()["email"] == composed.email
    problem(await service.client.look(other), 401, "invalid-credentials")
