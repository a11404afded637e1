from datetime import timedelta
from typing import Any

import httpx2
import pytest

from registration.commands.activate_user import ActivateUser
from registration.commands.erase_user import EraseUser
from registration.commands.register_user import RegisterUser
from registration.commands.send_new_code import SendNewCode
from registration.domain.mail import MailState
from registration.domain.policy import Policy
from registration.queries.get_user import GetUser, PendingActivation, PendingUser
from tests.unit.api.support import (
    ADA,
    AUTHORIZED,
    PASSWORD,
    PEER,
    REGISTERED_AT,
    REQUESTS,
    Recorder,
    as_json,
    basic,
    client_of,
)

ACTIVE_DOCUMENT = {
    "email": "ada@example.com",
    "status": "active",
    "registered_at": "2026-11-22T12:00:00.000000Z",
    "activated_at": "2026-11-22T12:00:40.250000Z",
}


async def test_registering_answers_202_with_the_normalised_address_and_the_codes_life(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    response = await client.post("/v1/users", json={"email": "ADA@Example.COM", "password": PASSWORD})

    assert response.status_code == 202
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"email": "ada@example.com", "code_ttl_seconds": 60}
    assert recorder.dispatched == [RegisterUser(ADA, PASSWORD, PEER, "en")]


async def test_activating_answers_200_with_the_active_user(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    response = await client.request(**REQUESTS["activate"])

    assert response.status_code == 200
    assert response.json() == ACTIVE_DOCUMENT
    assert recorder.dispatched == [ActivateUser(ADA, PASSWORD, "0042", PEER)]


async def test_asking_for_a_new_code_answers_202_like_registering(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    response = await client.post("/v1/users/activation-code", headers=AUTHORIZED)

    assert response.status_code == 202
    assert response.json() == {"email": "ada@example.com", "code_ttl_seconds": 60}
    assert recorder.dispatched == [SendNewCode(ADA, PASSWORD, PEER)]


async def test_looking_at_an_active_user_answers_200_without_activation(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    response = await client.get("/v1/users/me", headers=AUTHORIZED)

    assert response.status_code == 200
    assert response.json() == ACTIVE_DOCUMENT
    assert recorder.dispatched == [GetUser(ADA, PASSWORD, PEER)]


@pytest.mark.parametrize(
    "state, shown",
    [
        (MailState.QUEUED, "queued"),
        (MailState.ACCEPTED, "accepted"),
        (MailState.FAILED, "failed"),
        (MailState.DROPPED, "failed"),
    ],
)
async def test_looking_at_a_pending_registration_tells_of_the_newest_code(
    client: httpx2.AsyncClient, recorder: Recorder, state: MailState, shown: str
) -> None:
    expires_at = REGISTERED_AT + timedelta(seconds=61, microseconds=1)
    activation = PendingActivation(state, expires_at, REGISTERED_AT + timedelta(seconds=30))
    recorder.outcomes[GetUser] = PendingUser(ADA, REGISTERED_AT, activation)

    response = await client.get("/v1/users/me", headers=AUTHORIZED)

    assert response.json() == {
        "email": "ada@example.com",
        "status": "pending",
        "registered_at": "2026-11-22T12:00:00.000000Z",
        "activated_at": None,
        "activation": {
            "mail": shown,
            "code_expires_at": "2026-11-22T12:01:01.000001Z",
            "new_code_at": "2026-11-22T12:00:30.000000Z",
        },
    }


async def test_the_code_has_no_end_until_the_provider_has_accepted_the_mail(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    activation = PendingActivation(MailState.QUEUED, None, REGISTERED_AT)
    recorder.outcomes[GetUser] = PendingUser(ADA, REGISTERED_AT, activation)

    response = await client.get("/v1/users/me", headers=AUTHORIZED)

    assert response.json()["activation"]["code_expires_at"] is None


async def test_erasing_answers_204_with_nothing(client: httpx2.AsyncClient, recorder: Recorder) -> None:
    response = await client.delete("/v1/users/me", headers=AUTHORIZED)

    assert response.status_code == 204
    assert response.content == b""
    assert "content-type" not in response.headers
    assert recorder.dispatched == [EraseUser(ADA, PASSWORD, PEER)]


async def test_unknown_members_are_ignored(client: httpx2.AsyncClient, recorder: Recorder) -> None:
    body = {"email": ADA.text, "password": PASSWORD, "is_admin": True, "\ud800": ["\udfff"]}

    response = await client.post("/v1/users", **as_json(body))

    assert response.status_code == 202
    assert recorder.dispatched == [RegisterUser(ADA, PASSWORD, PEER, "en")]


@pytest.mark.parametrize("name", ["new code", "look", "erase"])
async def test_a_json_body_that_nobody_asked_for_is_ignored(client: httpx2.AsyncClient, name: str) -> None:
    response = await client.request(**REQUESTS[name], json={"anything": "goes"})

    assert response.is_success


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;charset=UTF-8; x=\xe9",
        "application/json ;",
    ],
)
async def test_parameters_and_case_of_the_media_type_do_not_matter(
    client: httpx2.AsyncClient, content_type: str
) -> None:
    body = '{"email": "ada@example.com", "password": "a good long one"}'

    headers = {b"Content-Type": content_type.encode("latin-1")}
    response = await client.post("/v1/users", content=body, headers=headers)

    assert response.status_code == 202


async def test_the_codes_digits_and_life_are_the_policys() -> None:
    recorder = Recorder(policy=Policy(code_digits=6, code_ttl=timedelta(seconds=90)))
    async with client_of(recorder) as client:
        registered = await client.request(**REQUESTS["register"])
        six = await client.post("/v1/users/activation", headers=AUTHORIZED, json={"code": "012345"})
        four = await client.post("/v1/users/activation", headers=AUTHORIZED, json={"code": "1234"})

    assert registered.json()["code_ttl_seconds"] == 90
    assert six.status_code == 200
    assert four.json()["errors"] == [
        {"field": "code", "detail": "must be a string of exactly 6 digits from 0 to 9"}
    ]


@pytest.mark.parametrize(
    "peer, client_name",
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("a socket", "unknown"),
    ],
)
async def test_the_client_is_the_peers_address_or_its_ipv6_network(peer: str, client_name: str) -> None:
    recorder = Recorder()
    forged: dict[str, Any] = {
        **AUTHORIZED,
        "X-Forwarded-For": "198.51.100.99",
        "Forwarded": "for=198.51.100.99",
    }
    async with client_of(recorder, peer) as client:
        await client.get("/v1/users/me", headers=forged)

    assert recorder.dispatched == [GetUser(ADA, PASSWORD, client_name)]


async def test_the_address_of_basic_credentials_is_normalised_as_at_registration(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    await client.get("/v1/users/me", headers=basic("ADA@EXAMPLE.com", PASSWORD))

    assert recorder.dispatched == [GetUser(ADA, PASSWORD, PEER)]


@pytest.mark.parametrize(
    "accepted, language",
    [("de-AT, en;q=0.5", "de"), ("fr", "fr"), ("ja", "en"), ("", "en"), ("de;q=0, fr;q=0.1", "fr")],
)
async def test_the_mail_is_in_the_language_that_the_caller_reads_best(
    client: httpx2.AsyncClient, recorder: Recorder, accepted: str, language: str
) -> None:
    document = {"email": ADA.text, "password": PASSWORD}
    await client.post("/v1/users", json=document, headers={"Accept-Language": accepted})
    [command] = recorder.dispatched
    assert isinstance(command, RegisterUser)
    assert command.language == language
