"""Hashing passwords is work for the processors, and nobody else waits for it."""

import asyncio

from tests.end_to_end.client import somebody
from tests.end_to_end.service import Service

HASHES = 24
CHEAP_REQUESTS = 200


async def test_cheap_requests_are_answered_while_passwords_are_hashed(costly: Service) -> None:
    """Were it done on the event loop, hardly any of the hashes, which came first, would be left to do."""
    client = costly.client
    await asyncio.gather(*(client.liveness() for _ in range(HASHES)))

    hashing = [asyncio.create_task(client.look(somebody())) for _ in range(HASHES)]
    await asyncio.wait(hashing, return_when=asyncio.FIRST_COMPLETED)
    cheap = await asyncio.gather(*(client.liveness() for _ in range(CHEAP_REQUESTS)))
    left = sum(not task.done() for task in hashing)

    assert {answer.status_code for answer in cheap} == {200}
    assert left >= HASHES // 3
    assert {answer.status_code for answer in await asyncio.gather(*hashing)} == {401}
