from collections import Counter
from dataclasses import dataclass, field

from tools.chaos.record import Call


@dataclass
class Verdict:
    """Whether one rule was kept: how often it was looked at, how the cases were explained, and what broke it."""

    rule: str
    explained: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    @property
    def checked(self) -> int:
        return self.explained.total() + len(self.broken)

    def judge(self, *, kept: bool, broken: str, explained: str = "kept") -> None:
        if kept:
            self.explained[explained] += 1
        else:
            self.broken.append(broken)


def tell(call: Call) -> str:
    """The call in a line, to be found in the record by its id."""
    answer = f"{call.status or 'no answer'} {call.problem or ''}".strip()
    return (
        f"{call.operation} of {call.email} by {call.caller}, {call.id}, sent at {call.sent_at:.3f}: {answer}"
    )
