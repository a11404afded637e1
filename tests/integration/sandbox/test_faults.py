import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientConnectionError

from registration.sandbox.changes import Changes
from registration.sandbox.faults import Dice, Fault, Faults, InvalidFaults, parse_faults
from tests.integration.sandbox.conftest import Client
from tests.integration.sandbox.examples import MAIL, mail


async def ask_for(sandbox: Client, **faults: Any) -> None:
    async with sandbox.put("/sandbox/faults", json=faults) as answer:
        assert answer.status == 200


async def accepted(sandbox: Client) -> int:
    async with sandbox.get("/api/v1/messages") as answer:
        total: int = (await answer.json())["total"]
        return total


async def test_there_are_none_until_asked_for(sandbox: Client) -> None:
    async with sandbox.get("/sandbox/faults") as answer:
        assert await answer.json() == {
            "slow": 0,
            "too_many": 0,
            "error": 0,
            "cut_before": 0,
            "cut_after": 0,
            "hang": 0,
            "slow_seconds": 2,
            "retry_after_seconds": 1,
            "hang_seconds": 30,
            "seed": None,
        }


async def test_what_was_put_is_what_holds_and_can_be_put_again(sandbox: Client) -> None:
    await ask_for(sandbox, hang=0.5)
    await ask_for(sandbox, slow=0.25, error=0.5, slow_seconds=0.1, seed=7)

    async with sandbox.get("/sandbox/faults") as answer:
        faults = await answer.json()
    assert (faults["slow"], faults["error"], faults["hang"], faults["seed"]) == (0.25, 0.5, 0, 7)
    async with sandbox.put("/sandbox/faults", json=faults) as answer:
        assert await answer.json() == faults


async def test_too_many(sandbox: Client) -> None:
    await ask_for(sandbox, too_many=1, retry_after_seconds=7)

    async with sandbox.post("/api/v1/send", json=MAIL) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert await accepted(sandbox) == 0


async def test_error(sandbox: Client) -> None:
    await ask_for(sandbox, error=1)

    async with sandbox.post("/api/v1/send", json=MAIL) as answer:
        assert answer.status == 500
    assert await accepted(sandbox) == 0


async def test_cut_before_accepting(sandbox: Client) -> None:
    await ask_for(sandbox, cut_before=1)

    with pytest.raises(ClientConnectionError):
        await sandbox.post("/api/v1/send", json=MAIL)
    assert await accepted(sandbox) == 0


async def test_cut_after_accepting(sandbox: Client) -> None:
    await ask_for(sandbox, cut_after=1)

    with pytest.raises(ClientConnectionError):
        await sandbox.post("/api/v1/send", json=MAIL)
    assert await accepted(sandbox) == 1


async def test_a_hanging_answer_ends_in_a_cut(sandbox: Client) -> None:
    await ask_for(sandbox, hang=1, hang_seconds=0.05)

    with pytest.raises(ClientConnectionError):
        await sandbox.post("/api/v1/send", json=MAIL)
    assert await accepted(sandbox) == 0


async def test_a_slow_answer_comes_in_the_end(sandbox: Client) -> None:
    await ask_for(sandbox, slow=1, slow_seconds=0.05)
    started = asyncio.get_running_loop().time()

    async with sandbox.post("/api/v1/send", json=MAIL) as answer:
        assert answer.status == 200
    assert asyncio.get_running_loop().time() - started >= 0.05
    assert await accepted(sandbox) == 1


async def test_the_console_says_what_was_not_accepted(sandbox: Client, told: list[str]) -> None:
    await ask_for(sandbox, too_many=1)
    await sandbox.post("/api/v1/send", json=MAIL)

    assert told == ["zoe@example.org  Your code  refused: too many requests"]


async def test_every_attempt_is_on_record_so_that_a_double_can_be_explained(sandbox: Client) -> None:
    await ask_for(sandbox, cut_after=1)
    with pytest.raises(ClientConnectionError):
        await sandbox.post("/api/v1/send", json=MAIL)
    await ask_for(sandbox, too_many=1)
    await sandbox.post("/api/v1/send", json=MAIL)
    await ask_for(sandbox)
    await sandbox.post("/api/v1/send", json=MAIL)
    await sandbox.post("/api/v1/send", json=mail(Headers={}))

    async with sandbox.get("/sandbox/attempts") as answer:
        attempts = await answer.json()

    assert [(a["mail_id"], a["fault"], a["code"]) for a in attempts] == [
        ("mail-1", "cut_after", "0042"),
        ("mail-1", "too_many", None),
        ("mail-1", None, "0042"),
        (None, None, "0042"),
    ]
    assert [a["message_id"] is not None for a in attempts] == [True, False, True, True]
    assert attempts[0]["message_id"] != attempts[2]["message_id"]
    assert [a["received_at"] for a in attempts] == sorted(a["received_at"] for a in attempts)


@pytest.mark.parametrize(
    "body, error",
    [
        ("[]", "the body must be a JSON object"),
        ("nonsense", "the body is not JSON"),
        ('{"explode": 1}', "unknown: explode; known: slow, too_many, error, cut_before, cut_after, hang, slow_seconds, retry_after_seconds, hang_seconds, seed"),  # noqa: E501
        ('{"slow": 1.1}', "slow must be a number from 0 to 1"),
        ('{"slow": -0.1}', "slow must be a number from 0 to 1"),
        ('{"slow": true}', "slow must be a number from 0 to 1"),
        ('{"slow": "1"}', "slow must be a number from 0 to 1"),
        ('{"slow": NaN}', "slow must be a number from 0 to 1"),
        ('{"slow": 0.6, "hang": 0.6}', "the shares must not add up to more than 1"),
        ('{"slow_seconds": 601}', "slow_seconds must be a number from 0 to 600"),
        ('{"retry_after_seconds": 0.5}', "retry_after_seconds must be a whole number"),
        ('{"seed": 0.5}', "seed must be a whole number"),
    ],
)  # fmt: skip
async def test_faults_that_make_no_sense_are_refused_and_change_nothing(
    sandbox: Client, body: str, error: str
) -> None:
    await ask_for(sandbox, error=0.125)

    async with sandbox.put("/sandbox/faults", data=body) as answer:
        assert (answer.status, await answer.json()) == (400, {"Error": error})
    async with sandbox.get("/sandbox/faults") as answer:
        assert (await answer.json())["error"] == 0.125


def throw(faults: Faults, times: int) -> list[Fault | None]:
    dice = Dice(Changes())
    dice.load(faults)
    return [dice.throw() for _ in range(times)]


def test_the_same_seed_is_the_same_faults() -> None:
    document = {"slow": 0.2, "error": 0.2, "cut_after": 0.2}

    first = throw(parse_faults({**document, "seed": 1}), 100)
    assert throw(parse_faults({"seed": 1, **dict(reversed(document.items()))}), 100) == first
    assert throw(parse_faults({**document, "seed": 2}), 100) != first


def test_each_fault_gets_its_share_and_the_rest_go_well() -> None:
    shares = {"slow": 0.1, "too_many": 0.1, "error": 0.2, "cut_before": 0.05, "cut_after": 0.05, "hang": 0.1}

    thrown = throw(parse_faults({**shares, "seed": 1}), 10_000)

    for fault, share in shares.items():
        assert thrown.count(Fault(fault)) == pytest.approx(10_000 * share, rel=0.2)
    assert thrown.count(None) == pytest.approx(4_000, rel=0.1)


def test_shares_that_make_up_the_whole_leave_nothing_to_chance() -> None:
    thirds = parse_faults({"slow": 1 / 3, "error": 1 / 3, "hang": 1 / 3, "seed": 1})
    tenths = {"slow": 0.1, "too_many": 0.2, "error": 0.7}

    assert None not in throw(thirds, 1_000)
    assert parse_faults(tenths).shares == {Fault(name): share for name, share in tenths.items()}


def test_a_fault_must_be_known_by_its_name() -> None:
    with pytest.raises(InvalidFaults, match="unknown: slow_second"):
        parse_faults(json.loads('{"slow_second": 1}'))
