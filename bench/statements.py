"""Which statements a registration and an activation are made of, as the database's general log has them."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.callers import make_journeys, make_registrations
from bench.probes import DatabaseCounts
from bench.stage import Stage

COST = 4
SECONDS = 2.0
REGISTRATIONS_PER_SECOND = 50

_LITERALS = (
    (re.compile(r"_binary'(?:[^'\\]|\\.|'')*'|'(?:[^'\\]|\\.|'')*'", re.DOTALL), "?"),
    (re.compile(r"\b\d+\b"), "?"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class PerCommand:
    """What a registration takes, its mail's way included, and what an activation does."""

    register: float
    activate: float


@dataclass(frozen=True, slots=True)
class Counted:
    """Of round trips the sweeps' are among them, and one may bring several statements."""

    journeys: int
    by_text: Sequence[tuple[str, PerCommand]]
    """Round trips, without the statements' values."""
    round_trips: PerCommand
    statements: PerCommand
    commits: PerCommand


@dataclass(frozen=True, slots=True)
class _Logged:
    """What was run while somebody did something so many times."""

    times: int
    by_text: Counter[str]
    counts: DatabaseCounts


def measure(stage: Stage) -> Counted:
    """Registrations alone, then journeys by one caller: what these have more is what activations take."""
    database_url = stage.new_database()
    with (
        stage.provider() as provider,
        stage.service(bcrypt_cost=COST, database_url=database_url, mail_api_url=provider.url) as service,
    ):
        make_journeys(stage, service, provider, callers=1, seconds=SECONDS)
        stage.probe.query("SET GLOBAL log_output = 'TABLE'")
        registrations = _logged(
            stage,
            "register_ms",
            lambda: make_registrations(stage, service, provider, REGISTRATIONS_PER_SECOND, SECONDS),
        )
        journeys = _logged(
            stage,
            "journeys_ended_at",
            lambda: make_journeys(stage, service, provider, callers=1, seconds=SECONDS),
        )

    def each(count: Callable[[_Logged], int]) -> PerCommand:
        register = count(registrations) / registrations.times
        return PerCommand(register, count(journeys) / journeys.times - register)

    texts = [text for text, _ in (journeys.by_text + registrations.by_text).most_common()]
    return Counted(
        journeys.times,
        [(text, each(partial(_times, text))) for text in texts],
        each(lambda logged: logged.by_text.total()),
        each(lambda logged: logged.counts.statements),
        each(lambda logged: logged.counts.commits),
    )


def _times(text: str, logged: _Logged) -> int:
    return logged.by_text[text]


def _logged(stage: Stage, counted: str, load: Callable[[], Any]) -> _Logged:
    """`counted` is the list, among what the load generator saw, that has an entry for each."""
    stage.probe.query("TRUNCATE mysql.general_log")
    stage.probe.query("SET GLOBAL general_log = ON")
    before = stage.probe.counts()
    seen = load()
    counts = stage.probe.counts() - before
    stage.probe.query("SET GLOBAL general_log = OFF")
    logged = stage.probe.query(
        "SELECT CAST(argument AS BINARY) FROM mysql.general_log WHERE command_type = 'Query'"
        " AND user_host NOT LIKE %s",
        "%[]",  # what comes in by the socket is the probe
    )
    return _Logged(
        len(seen[counted]),
        Counter(_shape(argument.decode(errors="replace")) for (argument,) in logged),
        counts,
    )


def _shape(statement: str) -> str:
    """The statement without its values, on one line."""
    for pattern, replacement in _LITERALS:
        statement = pattern.sub(replacement, statement)
    return statement.strip()
