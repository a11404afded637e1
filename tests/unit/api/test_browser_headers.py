import httpx2
import pytest

from tests.unit.api.support import Recorder, client_of

ORIGIN = "https://www.example.com"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize(
    "path", ["/v1/users/me", "/health/live", "/docs", "/problems/expired-code", "/nowhere"]
)
async def test_every_answer_tells_browsers_to_be_careful(client: httpx2.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


async def test_pages_of_other_origins_may_not_call_unless_they_are_named(client: httpx2.AsyncClient) -> None:
    answer = await client.options("/v1/users", headers=PREFLIGHT)
    assert "access-control-allow-origin" not in answer.headers


async def test_pages_of_a_named_origin_may_call(recorder: Recorder) -> None:
    async with client_of(recorder, cors_origins=[ORIGIN]) as client:
        allowed = await client.options("/v1/users", headers=PREFLIGHT)
        refused = await client.options("/v1/users", headers=PREFLIGHT | {"Origin": "https://evil.example"})
        answer = await client.get("/v1/users/me", headers={"Origin": ORIGIN})
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in refused.headers
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
