from tools.chaos.history import CLOCK_SECONDS, MAKES_A_CODE, History, before, is_success
from tools.chaos.record import Call, MailRow
from tools.chaos.verdict import Verdict, tell

JOINING_SECONDS = 1.0


def check_mails(history: History) -> Verdict:
    """Every 202 has its mail, or the outbox says why not; and what the outbox calls accepted the provider has."""
    verdict = Verdict("every 202 has its mail, or a recorded reason")
    accepted = {each.mail_id for each in history.record.handed_in if each.accepted}
    own = {row.request_id: row for row in history.record.mails if row.request_id}
    for call in history.record.calls:
        if call.operation not in MAKES_A_CODE or not is_success(call):
            continue
        row = own.get(call.id)
        if row is None:
            why = _why_without_a_row(history, call)
            verdict.judge(kept=bool(why), explained=why, broken=f"there is no mail: {tell(call)}")
        else:
            why = _what_became_of(row, is_accepted=row.id in accepted)
            verdict.judge(kept=bool(why), explained=why, broken=f"{row.state} {row.id}: {tell(call)}")
    return verdict


def _why_without_a_row(history: History, call: Call) -> str:
    """Empty, if nothing explains it."""
    earliest, latest = call.sent_at - JOINING_SECONDS - CLOCK_SECONDS, call.answered_at + CLOCK_SECONDS
    if any(earliest <= row.created_at <= latest for row in history.mails_of.get(call.email, ())):
        return "joined another registration"
    # the rows of whom was erased bear neither address nor request any more
    if all(before(erasure, call) for erasure in history.possible_erasures(call.email)):
        return ""
    mailed = any(
        each.accepted and each.ended_at >= earliest for each in history.handed_in_of.get(call.email, ())
    )
    return "mailed, and erased" if mailed else "erased before it was mailed"


def _what_became_of(row: MailRow, *, is_accepted: bool) -> str:
    """Empty for what should not be: a mail that waits after the end, or that is called accepted and is not."""
    if row.state == "accepted":
        return "mailed" if is_accepted else ""
    if row.state in {"failed", "dropped"} and row.reason:
        return f"{row.state}: {row.reason}"
    return ""
