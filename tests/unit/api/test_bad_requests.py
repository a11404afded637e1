import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.unit.api.support import AUTHORIZED, REQUESTS, Recorder, as_json, everything_in, problem_of

CANARY = "canary-5ecret"
JSON = {"Content-Type": "application/json"}
GOOD = {"email": "ada@example.com", "password": f"{CANARY} battery staple"}


def not_json() -> dict[str, bytes]:
    return {
        "empty": b"",
        "white space": b"  ",
        "not JSON": f"email={CANARY}".encode(),
        "cut off": f'{{"password": "{CANARY}'.encode(),
        "two documents": f'{{"password": "{CANARY}"}} {{}}'.encode(),
        "not UTF-8": f'{{"password": "{CANARY}\xff"}}'.encode("latin-1"),
        "UTF-16": json.dumps(GOOD).encode("utf-16"),
        "byte order mark": json.dumps(GOOD).encode("utf-8-sig"),
        "control character in a text": f'{{"password": "{CANARY}\n"}}'.encode(),
        "NaN": f'{{"password": "{CANARY}", "x": NaN}}'.encode(),
        "Infinity": f'{{"password": "{CANARY}", "x": -Infinity}}'.encode(),
        "deep nesting": b"[" * 16_000,
        "deep nesting of objects": b'{"a":' * 3_000,
        "huge integer": b'{"x": ' + b"9" * 10_000 + b"}",
    }


@pytest.mark.parametrize("body", not_json().values(), ids=not_json().keys())
@pytest.mark.parametrize("name", ["register", "activate"])
async def test_a_body_that_is_not_json_is_400(
    client: httpx2.AsyncClient, recorder: Recorder, name: str, body: bytes
) -> None:
    response = await client.post(REQUESTS[name]["url"], content=body, headers=AUTHORIZED | JSON)

    assert response.status_code == 400
    assert problem_of(response) == "malformed-json"
    assert CANARY not in everything_in(response)
    assert recorder.dispatched == []


@pytest.mark.parametrize(
    "document, errors",
    [
        ([], {"body"}),
        (CANARY, {"body"}),
        (5, {"body"}),
        (True, {"body"}),
        (None, {"body"}),
        ([GOOD], {"body"}),
        ({}, {"email", "password"}),
        ({CANARY: CANARY}, {"email", "password"}),
        ({"password": CANARY}, {"email"}),
        ({"email": "ada@example.com"}, {"password"}),
        ({"email": None, "password": CANARY}, {"email"}),
        ({"email": 5, "password": CANARY}, {"email"}),
        ({"email": [CANARY], "password": CANARY}, {"email"}),
        ({"email": "", "password": CANARY}, {"email"}),
        ({"email": CANARY, "password": CANARY}, {"email"}),
        ({"email": f"{CANARY}@", "password": CANARY}, {"email"}),
        ({"email": f'"{CANARY}"@example.com', "password": CANARY}, {"email"}),
        ({"email": f"Ada <{CANARY}@example.com>", "password": CANARY}, {"email"}),
        ({"email": f"{CANARY}\ud800@example.com", "password": CANARY}, {"email"}),
        ({"email": f"{CANARY}\x00@example.com", "password": CANARY}, {"email"}),
        ({"email": "a" * 10_000 + "@example.com", "password": CANARY}, {"email"}),
        ({"email": "ada@example.com", "password": None}, {"password"}),
        ({"email": "ada@example.com", "password": 12345678}, {"password"}),
        ({"email": "ada@example.com", "password": {"$ne": CANARY}}, {"password"}),
        ({"email": "ada@example.com", "password": f"{CANARY}\ud800"}, {"password"}),
        ({"email": "ada@example.com", "password": f"{CANARY}\udc00\ud800"}, {"password"}),
        ({"email": "ada@example.com", "password": f"{CANARY}\x00"}, {"password"}),
        ({"email": "ada@example.com", "password": f"{CANARY}\x85"}, {"password"}),
        ({"email": CANARY, "password": f"{CANARY}\n"}, {"email", "password"}),
    ],
)
async def test_a_registration_with_bad_members_names_the_fields_and_repeats_nothing(
    client: httpx2.AsyncClient, recorder: Recorder, document: Any, errors: set[str]
) -> None:
    response = await client.post("/v1/users", **as_json(document))

    assert response.status_code == 422
    assert problem_of(response) == "invalid-request"
    assert {error["field"] for error in response.json()["errors"]} == errors
    assert all(error.keys() == {"field", "detail"} for error in response.json()["errors"])
    assert CANARY not in everything_in(response)
    assert recorder.dispatched == []


NUMBERS_ELSEWHERE = ["\u0661\u0662\u0663\u0664", "\uff11\uff12\uff13\uff14", "\xb2\xb2\xb2\xb2"]
SPELT_OTHERWISE = ["", "123", "12345", "12 4", " 1234", "1234\n", "-123", "+123", "1e03", "0x12", "123\x00"]
OTHER_TYPES: list[object] = [None, 1234, 12.5, True, ["1234"], {}]


@pytest.mark.parametrize(
    "code", [*NUMBERS_ELSEWHERE, *SPELT_OTHERWISE, *OTHER_TYPES, CANARY, "\ud800\ud800\ud800\ud800"]
)
async def test_a_code_that_is_not_a_text_of_the_digits_0_to_9_is_422(
    client: httpx2.AsyncClient, recorder: Recorder, code: Any
) -> None:
    response = await client.post("/v1/users/activation", **as_json({"code": code}))

    assert response.status_code == 422
    assert problem_of(response) == "invalid-request"
    (error,) = response.json()["errors"]
    assert error["field"] == "code"
    assert CANARY not in everything_in(response)
    assert recorder.dispatched == []


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "application/jsonx",
        "text/json",
        "*/*",
        CANARY,
    ],
)
async def test_a_body_that_is_not_declared_as_json_is_415(
    client: httpx2.AsyncClient, recorder: Recorder, name: str, content_type: str | None
) -> None:
    headers = AUTHORIZED if content_type is None else AUTHORIZED | {"Content-Type": content_type}

    response = await client.request(
        REQUESTS[name]["method"], REQUESTS[name]["url"], content=json.dumps(GOOD), headers=headers
    )

    assert response.status_code == 415
    assert problem_of(response) == "unsupported-media-type"
    assert CANARY not in everything_in(response)
    assert recorder.dispatched == []


def padded(size: int) -> bytes:
    body = json.dumps(GOOD | {"code": "1234"}).encode()
    return body + b" " * (size - len(body))


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_body_over_16_kib_is_413_and_one_of_16_kib_is_read(
    client: httpx2.AsyncClient, name: str
) -> None:
    method, url = REQUESTS[name]["method"], REQUESTS[name]["url"]

    too_long = await client.request(method, url, content=padded(16 * 1024 + 1), headers=AUTHORIZED | JSON)
    longest = await client.request(method, url, content=padded(16 * 1024), headers=AUTHORIZED | JSON)

    assert too_long.status_code == 413
    assert problem_of(too_long) == "payload-too-large"
    assert CANARY not in everything_in(too_long)
    assert longest.is_success


@pytest.mark.parametrize("name", REQUESTS)
async def test_reading_a_body_of_unknown_length_stops_at_the_limit(
    client: httpx2.AsyncClient, name: str
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1024
            yield b"x" * 1024

    response = await client.request(
        REQUESTS[name]["method"], REQUESTS[name]["url"], content=endless(), headers=AUTHORIZED
    )

    assert response.status_code == 413
    assert problem_of(response) == "payload-too-large"
    assert sent <= 18 * 1024


async def test_a_body_that_says_that_it_is_too_long_is_not_read(client: httpx2.AsyncClient) -> None:
    async def unreadable() -> AsyncIterator[bytes]:
        raise AssertionError("was read")
        yield b""

    for length in ("16385", "9" * 5_000):
        response = await client.post("/v1/users", content=unreadable(), headers={"Content-Length": length})

        assert response.status_code == 413


@pytest.mark.parametrize(
    "method, url, code",
    [
        ("GET", f"/{CANARY}", "not-found"),
        ("GET", "/", "not-found"),
        ("GET", "/v1", "not-found"),
        ("POST", "/v1/users/", "not-found"),
        ("GET", "/v1/users/%00", "not-found"),
        ("GET", f"/v1/users/me/{CANARY}?password={CANARY}", "not-found"),
        ("GET", f"/problems/{CANARY}", "not-found"),
        ("GET", f"/docs/{CANARY}", "not-found"),
        ("GET", "/docs/..%2Fdocs.html", "not-found"),
        ("GET", "/metrics", "not-found"),
        ("GET", "/status", "not-found"),
        ("GET", "/redoc", "not-found"),
        ("GET", f"/v1/users?{CANARY}", "method-not-allowed"),
        ("PUT", "/v1/users/me", "method-not-allowed"),
        ("OPTIONS", "/v1/users", "method-not-allowed"),
        ("TRACE", "/health/live", "method-not-allowed"),
        (CANARY, "/v1/users", "method-not-allowed"),
    ],
)
async def test_what_routing_refuses_is_a_problem_too_and_comes_before_the_body(
    client: httpx2.AsyncClient, method: str, url: str, code: str
) -> None:
    response = await client.request(method, url, content=b"x" * 20_000)

    assert response.status_code == {"not-found": 404, "method-not-allowed": 405}[code]
    assert problem_of(response) == code
    assert CANARY not in everything_in(response)


async def test_a_405_lists_all_methods_of_the_path(client: httpx2.AsyncClient) -> None:
    me = await client.put("/v1/users/me")
    users = await client.get("/v1/users")
    head = await client.head("/health/live")

    assert me.headers["allow"] == "DELETE, GET"
    assert users.headers["allow"] == "POST"
    assert (head.status_code, head.headers["allow"]) == (405, "GET")
