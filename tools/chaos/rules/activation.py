"""Nobody is active without having shown a right code while it worked."""

import math
from datetime import datetime

from tools.chaos.history import (
    CLOCK_SECONDS,
    MAKES_A_CODE,
    History,
    before,
    end,
    is_wrong_code,
    may_have_happened,
    seen_active,
)
from tools.chaos.record import Call, HandedIn, Operation
from tools.chaos.rules.guesses import WRONG_CODES_FOR_A_CODE
from tools.chaos.verdict import Verdict, tell

MINUTE, LIFE_OF_A_MAIL = 60.0, 600.0

HEARD_SECONDS = 2.0
"""So long after the provider's word a busy process may look at its clock."""


def check_activation(history: History) -> Verdict:
    """Each answer that calls a user active, and each user in the tables, goes back to a right code that was shown."""
    verdict = Verdict("nobody is active without a right, live code")
    for email, calls in history.of_address.items():
        for call in calls:
            if seen_active(call):
                verdict.judge(
                    kept=_was_shown(history, email, call.password, time_of(call.document["activated_at"])),
                    broken=f"no right code was shown before: {tell(call)}",
                    explained="told active",
                )
    for row in history.record.accounts:
        if row.kind == "user":
            verdict.judge(
                kept=row.activated_at is not None and _was_shown(history, row.email, None, row.activated_at),
                broken=f"no right code was shown for the user {row.email}, active since {row.activated_at}",
                explained="in the tables",
            )
    return verdict


def time_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _was_shown(history: History, email: str, password: str | None, activated_at: float) -> bool:
    """Whether a request that was under way at that instant has shown a right, live code."""
    return any(
        call.operation is Operation.ACTIVATE
        and may_have_happened(call)
        and password in {None, call.password}
        and call.sent_at - CLOCK_SECONDS <= activated_at <= end(call) + CLOCK_SECONDS
        and not _was_void(history, call)
        and any(_fits(history, mail, call, activated_at) for mail in history.handed_in_of.get(call.email, ()))
        for call in history.of_address.get(email, ())
    )


def _fits(history: History, mail: HandedIn, call: Call, activated_at: float) -> bool:
    """Whether the mail brought this code for this password, and the code worked at that instant."""
    if mail.code != call.code or mail.code is None:
        return False
    row = history.mail.get(mail.mail_id)
    cause = history.call.get(row.request_id or "") if row else None
    if cause is not None and (
        cause.password != call.password or activated_at < cause.sent_at - CLOCK_SECONDS
    ):
        return False
    return activated_at < _dies_at(history, mail) + CLOCK_SECONDS


def _dies_at(history: History, mail: HandedIn) -> float:
    """The last instant that the code can have worked, by the first acceptance that the service has recorded.

    It cannot be later than a minute after the provider last said that it has the mail.
    """
    row = history.mail.get(mail.mail_id)
    if row is None:
        return mail.ended_at + LIFE_OF_A_MAIL
    if row.accepted_at is None:
        return row.created_at + LIFE_OF_A_MAIL
    told = [
        each.ended_at
        for each in history.handed_in_of[mail.email]
        if each.mail_id == mail.mail_id and each.accepted
    ]
    return min(row.accepted_at, max(told, default=row.accepted_at) + HEARD_SECONDS) + MINUTE


def _was_void(history: History, call: Call) -> bool:
    """Whether three wrong codes had certainly been counted, and no code made since, before this one was shown."""
    others = history.of_address[call.email]
    wrong = [each for each in others if is_wrong_code(each) and before(each, call)]
    makers = [each for each in others if each.operation in MAKES_A_CODE and may_have_happened(each)]
    newest = max((end(each) for each in makers if each.sent_at <= end(call)), default=-math.inf)
    return sum(each.sent_at > newest for each in wrong) >= WRONG_CODES_FOR_A_CODE
