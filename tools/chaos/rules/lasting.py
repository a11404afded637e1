"""Nothing is undone that was answered with a success."""

from tools.chaos.history import CLOCK_SECONDS, History, before, is_success, may_have_happened, seen_active
from tools.chaos.record import Call, Operation
from tools.chaos.rules.activation import time_of
from tools.chaos.rules.mails import JOINING_SECONDS
from tools.chaos.verdict import Verdict, tell

SAME_INSTANT_SECONDS = 1e-5


def check_lasting(history: History) -> Verdict:
    """The active stay active, the erased erased, and the registered registered, in answers and in the tables."""
    verdict = Verdict("nothing is undone that was answered 200, 202 or 204")
    for email, calls in history.of_address.items():
        for call in calls:
            if seen_active(call):
                _check_active(history, verdict, email, call)
            elif call.operation is Operation.ERASE and is_success(call):
                _check_erased(history, verdict, email, call)
            elif call.operation is Operation.REGISTER and is_success(call):
                _check_registered(history, verdict, email, call)
    return verdict


def _check_active(history: History, verdict: Verdict, email: str, call: Call) -> None:
    for later in _later_with_its_password(history, call):
        if _denies_the_user(later) and not history.erased_between(email, call.password, call, later):
            verdict.broken.append(f"was active: {tell(call)}; then: {tell(later)}")
    activated_at = time_of(call.document["activated_at"])
    is_there = any(
        row.kind == "user"
        and row.activated_at is not None
        and abs(row.activated_at - activated_at) < SAME_INSTANT_SECONDS
        for row in history.accounts_of.get(email, ())
    )
    erased = any(not before(erasure, call) for erasure in history.possible_erasures(email, call.password))
    verdict.judge(
        kept=is_there or erased,
        broken=f"was active, and is not in the tables: {tell(call)}",
        explained="active at the end" if is_there else "erased since",
    )


def _check_erased(history: History, verdict: Verdict, email: str, call: Call) -> None:
    if any(
        again.operation is Operation.REGISTER and may_have_happened(again) and not before(again, call)
        for again in history.of_address[email]
    ):
        verdict.explained["registered again"] += 1
        return
    for later in _later_with_its_password(history, call):
        if is_success(later) and later.operation is not Operation.REGISTER:
            verdict.broken.append(f"was erased: {tell(call)}; then: {tell(later)}")
    left = [row.kind for row in history.accounts_of.get(email, ()) if not _is_of_another(history, call)]
    verdict.judge(kept=not left, broken=f"was erased, and has a {left}: {tell(call)}", explained="gone")


def _is_of_another(history: History, erasure: Call) -> bool:
    """Whether somebody with another password may have registered the address: what is left may be theirs."""
    return any(
        call.operation is Operation.REGISTER and may_have_happened(call) and call.password != erasure.password
        for call in history.of_address[erasure.email]
    )


def _check_registered(history: History, verdict: Verdict, email: str, call: Call) -> None:
    erased = any(not before(erasure, call) for erasure in history.possible_erasures(email))
    is_there = bool(history.accounts_of.get(email))
    verdict.judge(
        kept=is_there or erased,
        broken=f"was registered, and is not in the tables: {tell(call)}",
        explained="in the tables" if is_there else "erased since",
    )
    if erased or _has_a_rival(history, call):
        return
    for later in _later_with_its_password(history, call):
        if later.problem == "invalid-credentials":
            verdict.broken.append(f"was registered: {tell(call)}; then: {tell(later)}")


def _has_a_rival(history: History, call: Call) -> bool:
    """Whether it may have joined a registration with another password, or been replaced by one."""
    return any(
        other.operation is Operation.REGISTER
        and may_have_happened(other)
        and other.password != call.password
        and other.answered_at > call.sent_at - JOINING_SECONDS - CLOCK_SECONDS
        for other in history.of_address[call.email]
    )


def _later_with_its_password(history: History, call: Call) -> list[Call]:
    return [
        later
        for later in history.of_address[call.email]
        if later.password == call.password and before(call, later)
    ]


def _denies_the_user(call: Call) -> bool:
    if call.problem in {"invalid-credentials", "expired-code", "incorrect-code"}:
        return True
    return is_success(call) and (
        call.operation is Operation.NEW_CODE or (call.operation is Operation.LOOK and not seen_active(call))
    )
