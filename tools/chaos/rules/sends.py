from collections import defaultdict
from itertools import pairwise

from tools.chaos.history import History
from tools.chaos.record import HandedIn
from tools.chaos.verdict import Verdict

UNWRITTEN_SECONDS = 5.0
"""So long after it was told, a service that then lost its database, or died, may not have written it down."""

COMING_BACK_SECONDS = 15.0
"""So long after it was mended a database may still be away."""


def check_sends(history: History) -> Verdict:
    """A mail that the service was told is accepted goes out again only if something was broken, and with its code."""
    verdict = Verdict("a mail is sent again only where its fate could not be known, and with the same code")
    attempts = defaultdict[str, list[HandedIn]](list)
    for each in sorted(history.record.handed_in, key=lambda each: each.began_at):
        attempts[each.mail_id].append(each)
    for mail_id, sent in attempts.items():
        codes = {each.code for each in sent}
        verdict.judge(kept=len(codes) == 1, broken=f"{mail_id} brought several codes", explained="one code")
        for one, other in pairwise(sent):
            verdict.judge(
                kept=not one.told or _something_was_broken(history, one),
                broken=f"{mail_id} was told accepted at {one.ended_at:.3f} and sent again at {other.began_at:.3f}",
                explained="broken meanwhile" if one.told else "its fate was unknown",
            )
    return verdict


def _something_was_broken(history: History, told: HandedIn) -> bool:
    return any(
        incident.began_at - UNWRITTEN_SECONDS < told.ended_at < incident.ended_at + COMING_BACK_SECONDS
        for incident in history.record.incidents
        if incident.victim != "provider"
    )
