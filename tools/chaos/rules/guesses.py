"""Wrong codes are counted exactly: three for a code, ten a day for an address, five of them by one client."""

from collections import Counter, defaultdict

from tools.chaos.history import MAKES_A_CODE, History, is_unknown, is_wrong_code, may_have_happened
from tools.chaos.record import Call, Operation
from tools.chaos.verdict import Verdict

WRONG_CODES_FOR_A_CODE = 3
WRONG_CODES_A_DAY = 10
WRONG_CODES_OF_A_CLIENT = 5


def check_guesses(history: History) -> Verdict:
    """No run lasts a day, so that no count starts again in it."""
    verdict = Verdict("no eleventh wrong code at an address, no sixth of a client, no fourth at a code")
    _check_answers(history, verdict)
    _check_rows(history, verdict)
    return verdict


def _check_answers(history: History, verdict: Verdict) -> None:
    for email, calls in history.of_address.items():
        wrong = [call for call in calls if is_wrong_code(call)]
        if not wrong:
            continue
        at_most(verdict, WRONG_CODES_A_DAY, len(wrong), f"wrong codes were answered for {email}", "address")
        for client, count in Counter(call.client for call in wrong).items():
            at_most(verdict, WRONG_CODES_OF_A_CLIENT, count, f"of {client} for {email}", "client")
        codes = sum(call.operation in MAKES_A_CODE and may_have_happened(call) for call in calls)
        for left, count in Counter(call.document["attempts_left"] for call in wrong).items():
            # a code's three wrong codes leave two, one and none, each of them once
            told = f"times {left} attempts were left for {email}, which had {codes} codes"
            at_most(verdict, codes, count, told, "attempts left")


def _check_rows(history: History, verdict: Verdict) -> None:
    rows = history.record.wrong_codes
    for key, count in Counter(row.address_key for row in rows).items():
        at_most(verdict, WRONG_CODES_A_DAY, count, f"wrong codes in the tables for {key}", "address's rows")
    for pair, count in Counter((row.address_key, row.client_key) for row in rows).items():
        at_most(
            verdict, WRONG_CODES_OF_A_CLIENT, count, f"of a client in the tables, {pair}", "client's rows"
        )
    for mail_id, count in Counter(row.newest_mail_id for row in rows).items():
        at_most(
            verdict, WRONG_CODES_FOR_A_CODE, count, f"in the tables for the code {mail_id}", "code's rows"
        )
    _check_that_rows_are_answers(history, verdict)


def _check_that_rows_are_answers(history: History, verdict: Verdict) -> None:
    """What was answered was counted, and nothing else but what was answered by nobody."""
    address_of_mail = {each.mail_id: each.email for each in history.record.handed_in}
    address_of_mail |= {row.id: row.email for row in history.record.mails if row.email}
    keys = defaultdict[str, set[str]](set)
    for row in history.record.wrong_codes:
        if email := address_of_mail.get(row.newest_mail_id):
            keys[email].add(row.address_key)
    counted = Counter(row.address_key for row in history.record.wrong_codes)
    unlinked = sum(counted.values()) - sum(counted[key] for each in keys.values() for key in each)
    for email, calls in history.of_address.items():
        guesses = [call for call in calls if call.operation is Operation.ACTIVATE]
        answered, unknown = sum(map(is_wrong_code, guesses)), sum(map(_may_count, guesses))
        rows = sum(counted[key] for key in keys[email])
        if answered or rows:
            verdict.judge(
                kept=answered - unlinked <= rows <= answered + unknown,
                broken=f"{rows} wrong codes in the tables for {email}: {answered} answers, {unknown} unknown",
                explained="rows and answers agree",
            )


def _may_count(call: Call) -> bool:
    return is_unknown(call)


def at_most(verdict: Verdict, limit: int, found: int, what: str, explained: str) -> None:
    verdict.judge(kept=found <= limit, broken=f"{found} {what}", explained=explained)
