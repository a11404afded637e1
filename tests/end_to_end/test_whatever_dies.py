"""Whatever dies, callers are told the truth, and a registration that was answered with 202 gets its mail.

All of it began before the other tests; see `conftest.crashes`.
"""

import asyncio

import pytest

from tests.end_to_end.crashes import CRASHES


@pytest.mark.parametrize("name", CRASHES)
async def test_the_mail_arrives_when_the_service_was(
    crashes: dict[str, asyncio.Task[None]], name: str
) -> None:
    await crashes[name]


async def test_the_service_survives_a_database_that_is_killed_and_one_that_hangs(
    crashes: dict[str, asyncio.Task[None]],
) -> None:
    await crashes["database"]
