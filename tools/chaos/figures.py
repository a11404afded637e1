"""What happened in each second of a run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tools.chaos.history import is_success
from tools.chaos.record import AnsweredBy, Call
from tools.chaos.recovery import failed


@dataclass(frozen=True, slots=True)
class Second:
    """Requests by when they were answered: as they asked, with a refusal that the rules want, or not served."""

    done: int
    refused: int
    failed: int


def seconds(calls: Sequence[Call], began_at: float, ended_at: float) -> list[Second]:
    done, refused, not_served = Counter[int](), Counter[int](), Counter[int]()
    for call in calls:
        at = int(call.answered_at - began_at)
        if is_success(call):
            done[at] += 1
        elif failed(call):
            not_served[at] += 1
        elif not call.hung_up:
            refused[at] += 1
    return [Second(done[at], refused[at], not_served[at]) for at in range(int(ended_at - began_at) + 1)]


def answer(call: Call) -> str:
    """What became of a request, in two words."""
    if call.hung_up:
        return "the caller hung up"
    if call.by is AnsweredBy.NOBODY:
        return "no answer"
    by = ", by the proxy" if call.by is AnsweredBy.PROXY else ""
    return f"{call.status} {call.problem or ''}".strip() + by
