from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from registration.cli.address_sheet import describe
from registration.domain.account import Account
from registration.domain.address_guard import WrongCode
from tests.world import ANN, OTHER_PASSWORD, World

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def world() -> World:
    return World()


async def account_of(world: World) -> Account:
    return await world.database.read_account(ANN, "operator")


def with_wrong_codes(account: Account, *ages: timedelta) -> Account:
    shown = [WrongCode(uuid4(), uuid4(), account.now - age, by_this_client=False) for age in ages]
    return replace(account, wrong_codes=shown)


def sheet(account: Account) -> dict[str, str]:
    return dict(describe(account, mails=[], log_digest="7f10ece6420a"))


async def test_a_decoy_beside_a_user_is_told_apart_from_it(world: World) -> None:
    await world.register_active()
    await world.register(password=OTHER_PASSWORD)
    known = sheet(await account_of(world))
    assert known["status"] == "active"
    assert known["registered at"] == "2026-11-01T12:00:00Z"
    assert "2026-11-02T12:00:00Z" in known["decoy"]


async def test_a_decoy_whose_user_has_left_makes_nobody_known(world: World) -> None:
    await world.register_active()
    await world.register(password=OTHER_PASSWORD)
    await world.erase()
    known = sheet(await account_of(world))
    assert known["status"].startswith("unknown")
    assert "decoy" in known


async def test_wrong_codes_are_counted_by_day_and_year(world: World) -> None:
    account = with_wrong_codes(await account_of(world), MINUTE, DAY - MINUTE, DAY + MINUTE, 366 * DAY)
    assert sheet(account)["wrong codes"] == "2 in the last 24 hours, 3 in the last 365 days"


async def test_ten_of_a_day_lock_until_the_oldest_of_them_is_a_day_old(world: World) -> None:
    account = with_wrong_codes(await account_of(world), *[6 * MINUTE] * 9, 60 * MINUTE)
    assert sheet(account)["locked"] == "until 2026-11-02T11:00:00Z"


async def test_a_hundred_of_a_year_lock_until_an_operators_word(world: World) -> None:
    account = with_wrong_codes(await account_of(world), *(number * DAY for number in range(100)))
    assert sheet(account)["locked"] == "until an operator unlocks it"


async def test_fewer_lock_nothing(world: World) -> None:
    account = with_wrong_codes(await account_of(world), *[MINUTE] * 9, *[4 * DAY * n for n in range(1, 90)])
    assert sheet(account)["locked"] == "no"


async def test_mails_of_the_last_day_are_counted(world: World) -> None:
    await world.register()
    world.clock.advance(days=1)
    await world.new_code()
    assert sheet(await account_of(world))["mails"].startswith("1 to the mailbox")
