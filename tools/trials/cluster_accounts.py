"""Whether an address has one registration and one user, and every node knows them."""

import asyncio
import random
from collections import Counter

from tests.end_to_end.client import code_of, somebody
from tools.trials.database import count, fetch_all
from tools.trials.report import Report
from tools.trials.stage import TrialStage


async def try_single_use(stage: TrialStage, report: Report, *, people: int = 30, at_once: int = 30) -> None:
    """The right code, many times at the same time, on all nodes."""
    report.does(
        f"{at_once} right activations at once over {len(stage.replicas)} services, for {people} addresses"
    )
    answers, users = Counter[str](), Counter[str]()
    instants = []
    for _ in range(people):
        person = await stage.somebody_registered()
        code = await stage.code_for(person)
        replicas = [stage.replicas[number % len(stage.replicas)] for number in range(at_once)]
        responses = await asyncio.gather(
            *(replica.service.client.activate(person, code) for replica in replicas)
        )
        answers += Counter(map(code_of, responses))
        instants.append({response.json().get("activated_at") for response in responses})
        rows = fetch_all(stage.database_urls[0], "SELECT kind FROM accounts WHERE email = %s", person.email)
        users[", ".join(kind for (kind,) in rows)] += 1
    report.check("all are answered 200", kept=set(answers) == {"200"}, seen=dict(answers))
    report.check("one user each", kept=users == {"user": people}, seen=dict(users))
    report.check(
        # each transaction that activates announces it, and answers the instant that it has written
        "one transaction has activated it: all answers tell the same instant",
        kept=all(len(told) == 1 and None not in told for told in instants),
    )


async def try_simultaneous_registrations(stage: TrialStage, report: Report, *, people: int = 40) -> None:
    """One address on all nodes at the same time, with another password on each."""
    report.does(
        f"{people} addresses, each registered on all nodes at once, with a password of its own on each"
    )
    answers, holders = Counter[str](), Counter[int]()
    everybody = [somebody() for _ in range(people)]
    for person in everybody:
        rivals = [
            (replica, person.with_password(f"{person.password} {replica.name}")) for replica in stage.replicas
        ]
        answers += Counter(await asyncio.gather(*(replica.register(rival) for replica, rival in rivals)))
        await stage.code_for(person)
        looks = await asyncio.gather(*(replica.look(rival) for replica, rival in rivals))
        holders[looks.count("200")] += 1
    await asyncio.sleep(1)
    mails_to = (await stage.history()).mails_to()
    mails = Counter(mails_to[person.email] for person in everybody)
    rows = Counter(
        count(stage.database_urls[0], "SELECT COUNT(*) FROM accounts WHERE email = %s", person.email)
        for person in everybody
    )
    report.check("all are answered 202", kept=set(answers) == {"202"}, seen=dict(answers))
    report.check("one registration each", kept=set(rows) == {1}, seen=dict(rows))
    report.check("one of the passwords each is its password", kept=set(holders) == {1}, seen=dict(holders))
    report.check("one mail each", kept=set(mails) == {1}, seen=dict(mails))


async def try_reading_elsewhere(
    stage: TrialStage, report: Report, chance: random.Random, *, people: int = 100
) -> None:
    """What one node has answered is true on the others at once."""
    report.does(f"{people} journeys, each step on another node than the one before, and at once after it")
    registered, activated, active, erased = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for _ in range(people):
        first, second, third = chance.sample(stage.replicas, 3)
        person = await stage.somebody_registered(first)
        registered += Counter(await asyncio.gather(second.look(person), third.look(person)))
        activated[await second.activate(person, await stage.code_for(person))] += 1
        response = await third.service.client.look(person)
        active[response.json()["status"] if response.is_success else code_of(response)] += 1
        erased[code_of(await first.service.client.erase(person))] += 1
        erased += Counter(await asyncio.gather(second.look(person), third.look(person)))
    report.check("registered, and known elsewhere", kept=set(registered) == {"200"}, seen=dict(registered))
    report.check("the code works elsewhere", kept=set(activated) == {"200"}, seen=dict(activated))
    report.check("active, and so elsewhere", kept=set(active) == {"active"}, seen=dict(active))
    report.check(
        "erased, and unknown elsewhere",
        kept=erased == {"204": people, "invalid-credentials": 2 * people},
        seen=dict(erased),
    )
