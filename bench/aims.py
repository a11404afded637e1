"""What is wanted of the figures, and whether they are so."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from bench.figures import table


class Missed(click.ClickException):
    """What was measured is not what is aimed at; the message says what."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is wanted, and what was found."""

    wanted: str
    found: str
    is_met: bool

    @property
    def verdict(self) -> str:
        return "pass" if self.is_met else "FAIL"


def show(aims: Sequence[Aim]) -> None:
    print(table(["aim", "found", ""], [[aim.wanted, aim.found, aim.verdict] for aim in aims]))


def kept(aims: Sequence[Aim]) -> list[dict[str, object]]:
    """As the file of the results has them."""
    return [asdict(aim) for aim in aims]


def insist(aims: Sequence[Aim]) -> None:
    """Raise Missed if one is."""
    missed = [aim.wanted for aim in aims if not aim.is_met]
    if missed:
        raise Missed(f"missed: {'; '.join(missed)}")
