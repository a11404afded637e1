"""Which statements a journey is made of, as the database's general log has them."""

import re
from collections import Counter

from bench.callers import make_journeys
from bench.stage import Stage

COST = 4
SECONDS = 2.0

_LITERALS = (
    (re.compile(r"_binary'(?:[^'\\]|\\.|'')*'|'(?:[^'\\]|\\.|'')*'", re.DOTALL), "?"),
    (re.compile(r"\b\d+\b"), "?"),
    (re.compile(r"\s+"), " "),
)


def measure(stage: Stage) -> tuple[int, list[tuple[str, float]]]:
    """Let one caller make journeys; return how many, and each statement with how often it was run per journey."""
    database_url = stage.new_database()
    with (
        stage.provider() as provider,
        stage.service(bcrypt_cost=COST, database_url=database_url, mail_api_url=provider.url) as service,
    ):
        make_journeys(stage, service, provider, callers=1, seconds=SECONDS)
        stage.probe.query("SET GLOBAL log_output = 'TABLE'")
        stage.probe.query("SET GLOBAL general_log = ON")
        seen = make_journeys(stage, service, provider, callers=1, seconds=SECONDS)
        stage.probe.query("SET GLOBAL general_log = OFF")
    logged = stage.probe.query(
        "SELECT CAST(argument AS BINARY) FROM mysql.general_log WHERE command_type = 'Query'"
    )
    counts = Counter(_shape(argument.decode(errors="replace")) for (argument,) in logged)
    own = {"SET GLOBAL general_log = OFF"}
    journeys = len(seen["journeys_ended_at"])
    return journeys, [(shape, times / journeys) for shape, times in counts.most_common() if shape not in own]


def _shape(statement: str) -> str:
    """The statement without its values, on one line."""
    for pattern, replacement in _LITERALS:
        statement = pattern.sub(replacement, statement)
    return statement.strip()
