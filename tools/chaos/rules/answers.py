from collections.abc import Mapping

from tools.chaos.history import History
from tools.chaos.record import AnsweredBy, Call, Operation
from tools.chaos.verdict import Verdict, tell

LONGEST_SECONDS = 10.0
"""No caller waits longer: four seconds for the database, twice, and those before a hash."""

_SUCCESS = {
    Operation.REGISTER: 202,
    Operation.ACTIVATE: 200,
    Operation.NEW_CODE: 202,
    Operation.LOOK: 200,
    Operation.ERASE: 204,
}

_BUSY = {"rate-limited": 429, "overloaded": 503, "unavailable": 503}
_SHOWN = {**_BUSY, "invalid-credentials": 401}

_REFUSALS: Mapping[Operation, Mapping[str, int]] = {
    Operation.REGISTER: {
        **_BUSY,
        "invalid-request": 422,
        "unacceptable-password": 422,
        "too-many-attempts": 429,
    },
    Operation.ACTIVATE: {
        **_SHOWN,
        "invalid-request": 422,
        "incorrect-code": 422,
        "expired-code": 410,
        "too-many-attempts": 429,
    },
    Operation.NEW_CODE: {**_SHOWN, "already-active": 409, "too-many-attempts": 429},
    Operation.LOOK: _SHOWN,
    Operation.ERASE: _SHOWN,
}


def check_answers(history: History) -> Verdict:
    """Each answer is one that is documented for its path, and came in time; where none came, that was soon known."""
    verdict = Verdict("each answer is one that is documented for its path, and in time")
    for call in history.record.calls:
        took = call.answered_at - call.sent_at
        if took > LONGEST_SECONDS:
            verdict.broken.append(f"{tell(call)}, after {took:.1f} s")
        elif call.by is not AnsweredBy.SERVICE:
            verdict.explained[f"no answer of the service ({call.by})"] += 1
        else:
            verdict.judge(
                kept=_is_documented(call), broken=tell(call), explained=call.problem or str(call.status)
            )
    return verdict


def _is_documented(call: Call) -> bool:
    if call.problem is None:
        return call.status == _SUCCESS[call.operation]
    return call.status == _REFUSALS[call.operation].get(call.problem)
