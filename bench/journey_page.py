"""The figures of whole journeys as a page and as a picture."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.aims import Aim
from bench.bars import Name, Panel, Row, draw
from bench.contenders import CEILING, SERVICE, SERVICE_OF_TWO
from bench.figures import Spread, short, spreads
from bench.journeys import Measured
from bench.statements import Counted, PerCommand

PANELS = (
    ("journeys_per_second", "journeys a second", "more is better", ""),
    ("of_that_the_journeys_own_ms", "processor time a journey", "less is better", "ms"),
    ("bystander_p99_ms", "slow answer to a bystander", "99 % are faster; less is better", "ms"),
)
KINDS = {SERVICE.name: "ours", SERVICE_OF_TWO.name: "ours", CEILING.name: "limit"}


def title(name: str) -> str:
    """`service_ms_per_journey` is `service ms per journey`."""
    return name.replace("_", " ")


def columns(measured: Measured) -> dict[str, dict[str, Spread]]:
    return {name: spreads([each.figures for each in rounds]) for name, rounds in measured.items()}


def rows(measured: Measured) -> list[list[str]]:
    """Figure by figure, what each contender has."""
    found = columns(measured)
    names = list(dict.fromkeys(name for figures in found.values() for name in figures))
    return [[title(name), *(str(figures.get(name, "")) for figures in found.values())] for name in names]


def failures(measured: Measured) -> list[str]:
    return [
        f"{name}: {dict(each.failures)}"
        for name, rounds in measured.items()
        for each in rounds
        if each.failures
    ]


def picture(about: Mapping[str, Any], measured: Mapping[int, Measured], rounds: int) -> str:
    """Bars of the figures that count most."""
    machine = about["machine"]
    return draw(
        "Registering and activating",
        f"Whole journeys in a closed loop. Bars are medians, thin lines the least and the most (rounds: {rounds}).",
        [
            Row(
                f"bcrypt cost {cost}",
                [Name(name, KINDS.get(name, "other")) for name in by_name],
                [
                    Panel(title, hint, unit, [figures.get(name) for figures in columns(by_name).values()])
                    for name, title, hint, unit in PANELS
                ],
            )
            for cost, by_name in measured.items()
        ],
        f"{about['date'][:10]}, commit {about['commit']}, {machine['cores']} processors, {machine['processor']},"
        f" Python {about['versions']['python']}, MariaDB {about['versions']['database'].partition('-')[0]}",
    )


def page(
    about: Mapping[str, Any],
    measured: Mapping[int, Measured],
    counted: Counted,
    aims: Sequence[Aim],
    settings: Mapping[str, Any],
) -> str:
    """Everything, as Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    machine = about["machine"]
    written = (
        f"Written by `{about['command']}` on {about['date']}, at commit `{about['commit']}`. What each line means is in"
        " [../README.md](../README.md#how-to-read-it)."
    )
    parts = [
        "# Whole journeys",
        written,
        "![The figures that count most, as bars; all of them are below.](journeys.svg)",
        f"{machine['cores']} processors ({machine['processor']}), {machine['memory_gb']:.0f} GB; {versions}.",
        "## Aims",
        _table(["aim", "found", ""], [[aim.wanted, aim.found, aim.verdict] for aim in aims]),
    ]
    for cost, by_name in measured.items():
        rounds = settings["rounds"]
        parts += [
            f"## Cost {cost}, {settings['callers'][cost]} callers",
            _table([f"median of {rounds} (least to most)", *by_name], rows(by_name)),
            f"Failures: {'; '.join(failures(by_name)) or 'none'}.",
        ]
    parts += ["## Statements and commits by command", _commands(counted)]
    return "\n\n".join(parts) + "\n"


def _commands(counted: Counted) -> str:
    def line(what: str, each: PerCommand) -> list[str]:
        return [what, _times(each.register), _times(each.activate)]

    return _table(
        [f"{counted.journeys} journeys by one caller", "register and mail", "activate"],
        [
            line("commits", counted.commits),
            line("statements", counted.statements),
            line("round trips", counted.round_trips),
            *(line(f"`{shape[:110]}`", each) for shape, each in counted.by_text if _shows(each)),
        ],
    )


def _shows(each: PerCommand) -> bool:
    """What a sweep runs once a second is in the sum only."""
    return max(each.register, each.activate) >= 0.1


def _times(count: float) -> str:
    return short(round(count, 2))


def _table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    cells = [headings, ["---", *["--:"] * (len(headings) - 1)], *lines]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in cells)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
