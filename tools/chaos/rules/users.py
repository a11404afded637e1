from collections import Counter
from itertools import pairwise

from tools.chaos.history import History, seen_active
from tools.chaos.record import Call
from tools.chaos.verdict import Verdict, tell


def check_users(history: History) -> Verdict:
    """No address has two users: not in the tables, and at no time in what callers were told."""
    verdict = Verdict("no address has two users")
    rows = Counter((row.email.lower(), row.kind) for row in history.record.accounts)
    for (email, kind), count in rows.items():
        verdict.judge(kept=count == 1, broken=f"{email} has {count} rows of the kind {kind}")
    for email, calls in history.of_address.items():
        first_seen: dict[str, Call] = {}
        for call in calls:
            if seen_active(call):
                first_seen.setdefault(call.password, call)
        seen = sorted(first_seen.values(), key=lambda call: call.answered_at)
        for earlier, later in pairwise(seen):
            verdict.judge(
                kept=_one_left(history, email, earlier, later),
                broken=f"two passwords of an active user: {tell(earlier)}; {tell(later)}",
                explained="erased, and registered again",
            )
    return verdict


def _one_left(history: History, email: str, earlier: Call, later: Call) -> bool:
    """Whether the user of the one may have been erased before that of the other came."""
    if history.erased_between(email, earlier.password, earlier, later):
        return True
    overlap = later.sent_at <= earlier.answered_at
    return overlap and history.erased_between(email, later.password, later, earlier)
