"""How the sandbox misbehaves, on request: in which share of the mails handed in, and how."""

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from registration.sandbox.changes import Changes

LONGEST_SECONDS = 600


class Fault(StrEnum):
    """What can go wrong with one mail. Their shares are of all mails, so together at most 1."""

    SLOW = "slow"
    """Accepted and answered, but late; accepted even if nobody waits for the answer any more."""
    TOO_MANY = "too_many"
    """429 with Retry-After."""
    ERROR = "error"
    """500, not accepted."""
    CUT_BEFORE = "cut_before"
    """The connection is cut, and the mail not accepted."""
    CUT_AFTER = "cut_after"
    """The mail is accepted, and then the connection cut."""
    HANG = "hang"
    """No answer, not accepted."""


class InvalidFaults(ValueError):
    """The faults asked for make no sense; the message says why."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults, how often. With a seed the same mails in the same order meet the same faults."""

    shares: Mapping[Fault, float] = field(default_factory=dict)
    slow_seconds: float = 2
    retry_after_seconds: int = 1
    hang_seconds: float = 30
    seed: int | None = None

    def as_json(self) -> dict[str, object]:
        shares = {fault.value: self.shares.get(fault, 0) for fault in Fault}
        return {**shares, **{name: getattr(self, name) for name in _FIGURES}}


_FIGURES = tuple(figure.name for figure in fields(Faults) if figure.name != "shares")


def parse_faults(document: object) -> Faults:
    """Read what `as_json` writes; what is left out is 0, or as it is by default. Raises InvalidFaults."""
    if not isinstance(document, dict):
        raise InvalidFaults("the body must be a JSON object")
    unknown = sorted(set(document) - set(Fault) - set(_FIGURES))
    if unknown:
        raise InvalidFaults(f"unknown: {', '.join(unknown)}; known: {', '.join([*Fault, *_FIGURES])}")
    shares = {fault: _number(document, fault.value, 0, 1) for fault in Fault if fault.value in document}
    total = math.fsum(shares.values())
    if total > 1 and not math.isclose(total, 1):
        raise InvalidFaults("the shares must not add up to more than 1")
    default = Faults()
    return Faults(
        shares,
        slow_seconds=_number(document, "slow_seconds", default.slow_seconds, LONGEST_SECONDS),
        retry_after_seconds=_whole(document, "retry_after_seconds", default.retry_after_seconds),
        hang_seconds=_number(document, "hang_seconds", default.hang_seconds, LONGEST_SECONDS),
        seed=None if document.get("seed") is None else _whole(document, "seed", 0, 2**63),
    )


class Dice:
    """Decides for each mail whether it meets a fault."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._random = random.Random()  # noqa: S311 it guards nothing
        self.faults = Faults()
        self.met: Counter[Fault] = Counter()
        """How many mails have met which fault since the faults were chosen."""

    def load(self, faults: Faults) -> None:
        """Go by these from now on."""
        self.faults = faults
        self.met.clear()
        self._random = random.Random(faults.seed)  # noqa: S311 likewise
        self._changes.announce()

    def throw(self) -> Fault | None:
        fault = self._draw()
        if fault:
            self.met[fault] += 1
            self._changes.announce()
        return fault

    def _draw(self) -> Fault | None:
        drawn = self._random.random()
        for fault, share in self.faults.shares.items():
            if drawn < share:
                return fault
            drawn -= share
        return None


def _number(document: Mapping[str, object], name: str, default: float, highest: float) -> float:
    value = document.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
        raise InvalidFaults(f"{name} must be a number from 0 to {highest:g}")
    return value


def _whole(document: Mapping[str, object], name: str, default: int, highest: int = LONGEST_SECONDS) -> int:
    value = _number(document, name, default, highest)
    if not isinstance(value, int):
        raise InvalidFaults(f"{name} must be a whole number")
    return value
