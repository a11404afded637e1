from base64 import b64encode

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from registration.api.basic_auth import BasicCredentials, credentials_of
from registration.domain.email_address import EmailAddress
from tests.unit.api.support import PASSWORD, REQUESTS, Recorder, basic, everything_in, problem_of

PASSWORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]))


def connection(*headers: str) -> HTTPConnection:
    raw = [(b"authorization", header.encode("latin-1")) for header in headers]
    return HTTPConnection({"type": "http", "headers": raw})


def encoded(credentials: bytes) -> str:
    return b64encode(credentials).decode()


@given(password=PASSWORDS)
def test_any_password_arrives_as_it_was_sent(password: str) -> None:
    header = basic("ada@example.com", password)["Authorization"]

    assert credentials_of(connection(header)) == BasicCredentials(EmailAddress("ada@example.com"), password)


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "Basic "])
def test_the_schemes_case_and_further_spaces_do_not_matter(scheme: str) -> None:
    shown = credentials_of(connection(f"{scheme} {encoded(b'Ada@Example.com:a:b')}"))

    assert shown == BasicCredentials(EmailAddress("ada@example.com"), "a:b")


def test_the_password_is_not_in_the_credentials_repr() -> None:
    assert PASSWORD not in repr(BasicCredentials(EmailAddress("ada@example.com"), PASSWORD))


MALFORMED = {
    "nothing": "",
    "no scheme": encoded(b"ada@example.com:password"),
    "another scheme": f"Bearer {encoded(b'ada@example.com:password')}",
    "no token": "Basic",
    "empty token": "Basic ",
    "not base64": "Basic ada@example.com:password",
    "base64 with noise": f"Basic {encoded(b'ada@example.com:password')[:-4]}!{encoded(b'xyz')}",
    "base64 without padding": f"Basic {encoded(b'ada@example.com:pass').rstrip('=')}",
    "base64 for URLs": f"Basic {encoded(b'ada@example.com:' + bytes([0xC3, 0xBF, 0xC3, 0xBE])).replace('/', '_')}x",
    "not ASCII": "Basic \xe9\xe9\xe9\xe9",
    "two tokens": f"Basic {encoded(b'ada@example.com:password')} {encoded(b'x')}",
    "no colon": f"Basic {encoded(b'ada@example.com')}",
    "Latin-1": f"Basic {encoded('ada@example.com:pässword'.encode('latin-1'))}",
    "no address": f"Basic {encoded(b':password')}",
    "not an address": f"Basic {encoded(b'ada:password')}",
    "a quoted address": f"Basic {encoded(b'x')}",
    "control character": f"Basic {encoded(b'ada@example.com:pass' + bytes(1))}",
    "surrogate": f"Basic {encoded(b'ada@example.com:' + bytes([0xED, 0xA0, 0x80]))}",
}


@pytest.mark.parametrize("name", ["activate", "new code", "look", "erase"])
@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_credentials_are_401_like_wrong_ones_and_reach_nothing(
    client: httpx2.AsyncClient, recorder: Recorder, name: str, header: str
) -> None:
    headers = {"Authorization": header.encode("latin-1")}

    response = await client.request(**REQUESTS[name] | {"headers": headers})

    assert response.status_code == 401
    assert problem_of(response) == "invalid-credentials"
    assert "www-authenticate" in response.headers
    assert "password" not in everything_in(response).replace("The address and password are", "")
    assert recorder.dispatched == []


async def test_missing_and_repeated_credentials_are_401(
    client: httpx2.AsyncClient, recorder: Recorder
) -> None:
    good = basic("ada@example.com", PASSWORD)["Authorization"]

    missing = await client.get("/v1/users/me")
    repeated = await client.get("/v1/users/me", headers=[("Authorization", good), ("Authorization", good)])

    assert problem_of(missing) == problem_of(repeated) == "invalid-credentials"
    assert recorder.dispatched == []
