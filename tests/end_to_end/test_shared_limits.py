"""Two services, as replicas behind a balancer, with one Redis between them."""

import asyncio

from tests.end_to_end.client import somebody
from tests.end_to_end.stage import Stage
from tools.private_redis import PrivateRedis

LIMITS = "register=3/day,auth=1000/minute"


async def test_replicas_share_a_clients_limits_until_their_redis_dies(
    own_stage: Stage, own_redis: PrivateRedis
) -> None:
    one, other = await asyncio.gather(
        *(own_stage.serve(client_limits=LIMITS, rate_limit_storage=own_redis.url) for _ in range(2))
    )
    for service in (one, other, one):
        assert (await service.client.register(somebody())).status_code == 202

    for service in (one, other):
        refused = await service.client.register(somebody())
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/rate-limited")
        assert 86_000 < refused.json()["retry_after"] <= 86_400

    own_redis.kill()
    for _ in range(3):
        assert (await one.client.register(somebody())).status_code == 202

    one.ask_to_stop()
    assert await one.exit_status(seconds=20) == 0
    assert one.errors() == []
    events = [line["event"] for line in one.log()]
    assert events.count("rate_limits_unavailable") == 1
    assert own_redis.password not in one.log_file.read_text()
