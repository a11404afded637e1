import itertools
from collections import defaultdict

from tools.chaos.history import History, seen_active
from tools.chaos.record import Call
from tools.chaos.verdict import Verdict, tell


def check_single_use(history: History) -> Verdict:
    """Whoever is told that a user is active is told the same instant: one transaction has activated it."""
    verdict = Verdict("one activation each")
    for email, calls in history.of_address.items():
        instants = defaultdict[str, defaultdict[str, list[Call]]](lambda: defaultdict(list))
        for call in calls:
            if seen_active(call):
                instants[call.password][call.document["activated_at"]].append(call)
        for password, told in instants.items():
            if len(told) == 1:
                verdict.explained["all answers tell one instant"] += 1
            for one, other in itertools.pairwise(told.values()):
                first, last = one[0], other[-1]
                verdict.judge(
                    kept=history.erased_between(email, password, first, last),
                    broken=f"activated twice: {tell(first)}; {tell(last)}",
                    explained="erased, and activated again",
                )
    return verdict
