"""413, 415, 400 and 422 come before anything that depends on the credentials."""

import httpx2
import pytest

from registration.domain.errors import InvalidCredentials
from tests.unit.api.support import Recorder, basic, problem_of

TOO_LONG = b"x" * (16 * 1024 + 1)
TEXT = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}
NO_CREDENTIALS: dict[str, str] = {}
WRONG_CREDENTIALS = basic("ada@example.com", "wrong")


@pytest.mark.parametrize("credentials", [NO_CREDENTIALS, WRONG_CREDENTIALS], ids=["none", "wrong"])
@pytest.mark.parametrize(
    "headers, body, problem",
    [
        (TEXT, TOO_LONG, "payload-too-large"),
        (JSON, TOO_LONG, "payload-too-large"),
        (TEXT, b"not JSON", "unsupported-media-type"),
        (JSON, b"not JSON", "malformed-json"),
        (JSON, b"[]", "invalid-request"),
        (JSON, b'{"code": "12"}', "invalid-request"),
        (JSON, b'{"code": "1234"}', "invalid-credentials"),
    ],
)
async def test_activation_is_refused_for_its_body_before_its_credentials(
    client: httpx2.AsyncClient,
    recorder: Recorder,
    headers: dict[str, str],
    body: bytes,
    problem: str,
    credentials: dict[str, str],
) -> None:
    recorder.refuse_everything(InvalidCredentials())

    response = await client.post("/v1/users/activation", content=body, headers=headers | credentials)

    assert problem_of(response) == problem
