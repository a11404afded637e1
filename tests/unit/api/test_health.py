import httpx2
import pytest

from registration.api.services import Readiness
from tests.unit.api.support import Recorder


async def test_alive_is_alive(client: httpx2.AsyncClient) -> None:
    response = await client.get("/health/live")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


@pytest.mark.parametrize(
    "readiness, status",
    [
        (Readiness("ok", database="ok", mail="ok"), 200),
        (Readiness("degraded", database="ok", mail="down"), 200),
        (Readiness("unavailable", database="down", mail="ok"), 503),
        (Readiness("unavailable", database="ok", mail="ok"), 503),
    ],
)
async def test_readiness_says_what_stands_in_the_way(
    client: httpx2.AsyncClient, recorder: Recorder, readiness: Readiness, status: int
) -> None:
    recorder.ready = readiness

    response = await client.get("/health/ready")

    assert response.status_code == status
    assert response.json() == {
        "status": readiness.status,
        "checks": {"database": readiness.database, "mail": readiness.mail},
    }
    assert ("retry-after" in response.headers) == (status == 503)
