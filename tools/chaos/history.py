"""A record as the rules ask it: what is certain, what is possible, and in which order things can have happened.

An answer that was lost may stand for anything; a rule is broken only where no course of events explains what was seen.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tools.chaos.record import AccountRow, AnsweredBy, Call, HandedIn, MailRow, Operation, Record

CLOCK_SECONDS = 0.1
"""So far apart a time of the database and one of the harness may be that were taken at the same instant."""

MAKES_A_CODE = frozenset({Operation.REGISTER, Operation.NEW_CODE})

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class History:
    record: Record
    of_address: Mapping[str, Sequence[Call]] = field(init=False)
    """In the order in which they were sent."""
    handed_in_of: Mapping[str, Sequence[HandedIn]] = field(init=False)
    accounts_of: Mapping[str, Sequence[AccountRow]] = field(init=False)
    mails_of: Mapping[str, Sequence[MailRow]] = field(init=False)
    mail: Mapping[str, MailRow] = field(init=False)
    call: Mapping[str, Call] = field(init=False)

    def __post_init__(self) -> None:
        record = self.record
        calls = sorted(record.calls, key=lambda call: call.sent_at)
        views: dict[str, object] = {
            "of_address": _by(calls, lambda call: call.email),
            "handed_in_of": _by(record.handed_in, lambda each: each.email),
            "accounts_of": _by(record.accounts, lambda row: row.email),
            "mails_of": _by((row for row in record.mails if row.email), lambda row: row.email or ""),
            "mail": {row.id: row for row in record.mails},
            "call": {call.id: call for call in record.calls},
        }
        for name, view in views.items():
            object.__setattr__(self, name, view)  # the way to fill a frozen one

    def possible_erasures(self, email: str, password: str | None = None) -> list[Call]:
        return [
            call
            for call in self.of_address.get(email, ())
            if call.operation is Operation.ERASE
            and may_have_happened(call)
            and password in {None, call.password}
        ]

    def erased_between(self, email: str, password: str | None, first: Call, second: Call) -> bool:
        """Whether it may have been erased after what `first` has seen, and before what `second` has."""
        return any(
            not before(erasure, first) and not before(second, erasure)
            for erasure in self.possible_erasures(email, password)
        )


def is_success(call: Call) -> bool:
    return call.by is AnsweredBy.SERVICE and call.status in {200, 202, 204}


def is_unknown(call: Call) -> bool:
    """Whether nobody but the service knows what it did: no answer, or the answer that the database gave none."""
    if call.by is not AnsweredBy.SERVICE or call.status is None:
        return True
    return call.status >= 500 and call.problem != "overloaded"  # noqa: PLR2004 the class of status codes


def may_have_happened(call: Call) -> bool:
    return is_success(call) or is_unknown(call)


def end(call: Call) -> float:
    """The last instant at which it can have had its effect; that of a lost request may still come."""
    return math.inf if is_unknown(call) else call.answered_at


def before(one: Call, other: Call) -> bool:
    """Whether all of the one was over when the other began."""
    return end(one) < other.sent_at


def seen_active(call: Call) -> bool:
    """Whether the answer says that the user is active."""
    return is_success(call) and call.document.get("status") == "active"


def is_wrong_code(call: Call) -> bool:
    return call.by is AnsweredBy.SERVICE and call.problem == "incorrect-code"


def _by(each: Iterable[T], key: Callable[[T], K]) -> Mapping[K, list[T]]:
    found: dict[K, list[T]] = defaultdict(list)
    for one in each:
        found[key(one)].append(one)
    return dict(found)
