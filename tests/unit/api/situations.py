"""What a stranger may have done before, and the settings under which they go on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

from config.settings import DEFAULT_CLIENT_LIMITS
from registration.ports import Outcome, UnitOfWork, Verdict
from tests.unit.api.callers import Caller
from tests.unit.api.whole_service import COST
from tests.world import ANN

A_DAY = 86_400.0
ELSEWHERE = [f"203.0.113.{number}" for number in range(100, 120)]
NOBODYS_PASSWORD = "the password of nobody"


async def nothing(_: Caller) -> None:
    pass


async def two_mails_from_one_client(stranger: Caller) -> None:
    """Of the three an hour."""
    await stranger.register()
    stranger.wait(30)
    await stranger.new_code()
    stranger.wait(30)


async def four_mails_from_four_clients(stranger: Caller) -> None:
    """Of the five an hour."""
    await stranger.at(ELSEWHERE[0]).register()
    for client in ELSEWHERE[1:4]:
        stranger.wait(30)
        await stranger.at(client).new_code()


async def nine_wrong_passwords(stranger: Caller) -> None:
    """Of the ten in a quarter of an hour."""
    for _ in range(9):
        await stranger.with_password(NOBODYS_PASSWORD).look()


async def a_registration_and_99_wrong_passwords(stranger: Caller) -> None:
    """Of the hundred a day, past which the stranger is let in who has shown the right one."""
    await stranger.register()
    for client in ELSEWHERE[:11]:
        for _ in range(9):
            await stranger.with_password(NOBODYS_PASSWORD).at(client).look()


async def two_wrong_codes(stranger: Caller) -> None:
    """Of the three that a code bears."""
    await stranger.register()
    await guess(stranger, 2)


async def four_wrong_codes_from_one_client(stranger: Caller) -> None:
    """Of the five a day."""
    await stranger.register()
    await guess(stranger, 3)
    stranger.wait(30)
    await stranger.new_code()
    await guess(stranger, 1)


async def nine_wrong_codes_from_three_clients(stranger: Caller) -> None:
    """Of the ten a day."""
    await stranger.at(ELSEWHERE[0]).register()
    for client in ELSEWHERE[:3]:
        stranger.wait(30)
        await stranger.at(client).new_code()
        await guess(stranger.at(client), 3)


async def ninety_nine_wrong_codes(stranger: Caller) -> None:
    """Of the hundred a year."""

    async def ninety(work: UnitOfWork) -> None:
        for _ in range(90):
            await work.wrong_codes.add(uuid4(), uuid4())

    await stranger.service.world.database(ANN, ELSEWHERE[3], ninety)
    stranger.wait(30 * A_DAY)
    await nine_wrong_codes_from_three_clients(stranger)
    stranger.wait(A_DAY)
    await stranger.new_code()


async def guess(stranger: Caller, times: int) -> None:
    for _ in range(times):
        assert (await stranger.guess()).outcome == "incorrect-code"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the stranger has done before, and how it goes on; a sequence of requests then begins."""

    leads: tuple[str, ...]
    to: str
    """How one of the sequences ends, and would not in most of the other situations."""
    wait: float = 0
    """Before each request, in seconds."""
    since_last_mail: float = A_DAY
    before: Callable[[Caller], Awaitable[object]] = nothing
    mail: Outcome | None = None
    """What becomes of the stranger's mails at the provider; nothing so far."""
    client_limits: str = DEFAULT_CLIENT_LIMITS
    former_cost: int = COST
    keys_are_renewed: bool = False
    remembers_proofs: bool = True


ACCEPTED = Outcome(Verdict.ACCEPTED, "accepted")
REFUSED = Outcome(Verdict.RECIPIENT_REJECTED, "recipient's address refused")
BUSY = Outcome(Verdict.RETRY, "status 503")
LOST = Outcome(Verdict.UNKNOWN, "answer lost")

SITUATIONS = {
    "at once": Situation(("register", "register with another password"), "202"),
    "just past the join window": Situation(
        ("register", "register with another password"), "rate-limited", wait=1
    ),
    "just past the cool-down": Situation(("register", "ask for a code"), "202", wait=30),
    "the mailbox has just had a mail": Situation(("register",), "rate-limited", wait=5, since_last_mail=20),
    "the mailbox has nearly had what a client may cause": Situation(
        ("ask for a code", "ask for a code"), "rate-limited", wait=30, before=two_mails_from_one_client
    ),
    "the mailbox has nearly had all of an hour": Situation(
        ("ask for a code", "ask for a code"), "rate-limited", wait=30, before=four_mails_from_four_clients
    ),
    "few requests of a client": Situation(
        ("look", "look", "look"),
        "rate-limited",
        client_limits="register=1/minute,auth=2/minute,wrong-codes=1/day",
    ),
    "no limits on clients": Situation(
        ("ask for a code", "ask for a code"),
        "202",
        wait=30,
        before=two_mails_from_one_client,
        client_limits="",
    ),
    "a client's wrong passwords nearly spent": Situation(
        ("look", "register", "look"), "rate-limited", before=nine_wrong_passwords
    ),
    "everybody's wrong passwords nearly spent": Situation(
        ("erase", "look", "look"), "rate-limited", wait=1, before=a_registration_and_99_wrong_passwords
    ),
    "a code's guesses nearly spent": Situation(
        ("guess", "guess"), "too-many-attempts", wait=30, before=two_wrong_codes
    ),
    "a client's guesses nearly spent": Situation(
        ("guess", "ask for a code"), "too-many-attempts", wait=30, before=four_wrong_codes_from_one_client
    ),
    "a day's guesses nearly spent": Situation(
        ("ask for a code", "guess", "register"),
        "too-many-attempts",
        wait=30,
        before=nine_wrong_codes_from_three_clients,
    ),
    "a year's guesses nearly spent": Situation(
        ("guess", "register"), "too-many-attempts", before=ninety_nine_wrong_codes
    ),
    "mails are accepted": Situation(("register", "look", "guess"), "expired-code", wait=30, mail=ACCEPTED),
    "mails are refused": Situation(("register", "guess"), "expired-code", mail=REFUSED),
    "mails are not taken": Situation(("register", "look", "guess"), "incorrect-code", wait=30, mail=BUSY),
    "mails are lost sight of": Situation(("register", "look", "guess"), "incorrect-code", wait=30, mail=LOST),
    "hashes of a lower cost, and processes that forget": Situation(
        ("register", "look"), "200", former_cost=COST - 2, remembers_proofs=False
    ),
    "a registration of one's own from before cost and keys were changed": Situation(
        ("look", "guess"),
        "incorrect-code",
        wait=1,
        before=Caller.register,
        former_cost=COST - 2,
        keys_are_renewed=True,
    ),
}
