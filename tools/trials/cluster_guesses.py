"""Whether wrong codes are counted exactly, whichever nodes they are shown on."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

from tests.end_to_end.client import Person
from tools.trials.database import count
from tools.trials.report import Report
from tools.trials.stage import Replica, TrialStage

ROUNDS = (3, 3, 3, 1)
"""How many wrong codes are answered as such: three for each code that is asked for, until the day's ten are spent."""


async def try_guesses(
    stage: TrialStage, report: Report, chance: random.Random, *, people: int = 12, at_once: int = 60
) -> None:
    """Wrong codes by the dozen, at the same time, on all nodes."""
    report.does(
        f"{at_once} wrong codes at once over {len(stage.replicas)} services, in {len(ROUNDS)} rounds with a new code "
        f"each, for {people} addresses"
    )
    guesses, afterwards, new_codes = Counter[str](), Counter[str](), Counter[str]()
    rounds_kept = 0
    for _ in range(people):
        person, codes = await stage.somebody_registered(), list[str]()
        for expected in ROUNDS:
            codes.append(await stage.code_for(person, mails=len(codes) + 1))
            outcomes = await _guess(stage, person, wrong_codes(chance, at_once, codes))
            guesses += outcomes
            rounds_kept += outcomes == {"incorrect-code": expected, "too-many-attempts": at_once - expected}
            afterwards += Counter([await replica.activate(person, codes[-1]) for replica in stage.replicas])
            asked = await stage.replicas[len(codes) % len(stage.replicas)].new_code(person)
            new_codes[asked] += 1
            if asked != "202":
                break
    rounds = people * len(ROUNDS)
    report.check(
        "each round has its three wrong codes (the last one: the tenth of the day), and 429 for the rest",
        kept=rounds_kept == rounds,
        seen=f"{rounds_kept} of {rounds} rounds, {dict(guesses)}",
    )
    report.check(
        "the right code afterwards is 429 on every node",
        kept=set(afterwards) == {"too-many-attempts"},
        seen=dict(afterwards),
    )
    report.check(
        "after ten wrong codes there is no new code",
        kept=new_codes == {"202": rounds - people, "too-many-attempts": people},
        seen=dict(new_codes),
    )
    counted = count(stage.database_urls[0], "SELECT COUNT(*) FROM wrong_codes")
    report.check(
        "what the database has counted is what was answered",
        kept=counted == guesses["incorrect-code"] == people * sum(ROUNDS),
        seen=counted,
    )
    active = count(stage.database_urls[0], "SELECT COUNT(*) FROM accounts WHERE kind = 'user'")
    report.check("nobody is active", kept=active == 0, seen=active)


async def try_third_wrong_code(
    stage: TrialStage, report: Report, chance: random.Random, *, people: int = 60
) -> None:
    """The third wrong code on one node, and the right one on another that may not have heard of it."""
    report.does(
        f"The third wrong code on one node and the right one on another, {people} times the one after the other, "
        f"{people} times at once"
    )
    after, at_once = Counter[str](), Counter[str]()
    for number in range(2 * people):
        one, other = chance.sample(stage.replicas, 2)
        person = await stage.somebody_registered()
        code = await stage.code_for(person)
        first, second, third = wrong_codes(chance, 3, [code])
        await one.activate(person, first)
        await one.activate(person, second)
        if number % 2:
            after[f"{await one.activate(person, third)}, then {await other.activate(person, code)}"] += 1
        else:
            answers = await asyncio.gather(one.activate(person, third), other.activate(person, code))
            at_once[" and ".join(answers)] += 1
    report.check(
        "once the third wrong code is answered, the right one activates nobody",
        kept=set(after) == {"incorrect-code, then too-many-attempts"},
        seen=dict(after),
    )
    report.check(
        "at once, either comes first, for both",
        kept=set(at_once) <= {"incorrect-code and too-many-attempts", "200 and 200"},
        seen=dict(at_once),
    )


def wrong_codes(chance: random.Random, number: int, right: Sequence[str]) -> list[str]:
    """So many different codes, none of them right."""
    codes = (f"{code:04}" for code in chance.sample(range(10_000), number + len(right)))
    return [code for code in codes if code not in right][:number]


async def _guess(stage: TrialStage, person: Person, codes: Sequence[str]) -> Counter[str]:
    """Show the codes at once, the services taking turns."""

    def replica(number: int) -> Replica:
        return stage.replicas[number % len(stage.replicas)]

    shown = (replica(number).activate(person, code) for number, code in enumerate(codes))
    return Counter(await asyncio.gather(*shown))
