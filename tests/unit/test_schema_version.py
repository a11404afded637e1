import itertools
import re

import pytest

from registration.adapters.mysql.schema_version import (
    NEWEST,
    OLDEST,
    REQUIREMENTS,
    Requirement,
    UnsuitableSchemaError,
    judge,
)
from registration.cli.migrate import MIGRATIONS

LATER, EVEN_LATER = "29990101000100", "29990101000200"
BROUGHT = sorted(file.name.partition("_")[0] for file in MIGRATIONS.glob("*.sql"))


def test_the_newest_is_the_last_that_is_brought() -> None:
    assert BROUGHT[-1] == NEWEST


def test_the_others_are_brought_too() -> None:
    assert {OLDEST, REQUIREMENTS} <= set(BROUGHT)
    [made] = MIGRATIONS.glob(f"{REQUIREMENTS}_*.sql")
    assert "CREATE TABLE schema_requirements" in made.read_text("utf-8")


@pytest.mark.parametrize("applied", [[], BROUGHT[: BROUGHT.index(OLDEST)], [LATER]])
def test_tables_without_the_oldest_migration_ask_for_migrate(applied: list[str]) -> None:
    with pytest.raises(UnsuitableSchemaError, match="run `python -m registration migrate`"):
        judge(applied, [])


@pytest.mark.parametrize("last", BROUGHT[BROUGHT.index(OLDEST) :])
def test_every_schema_since_the_oldest_will_do(last: str) -> None:
    assert judge(BROUGHT[: BROUGHT.index(last) + 1], []) == last


def test_migrations_that_are_not_known_will_do_as_long_as_none_is_required() -> None:
    assert judge([*BROUGHT, LATER], [Requirement(NEWEST, "1.0.0")]) == LATER


def test_a_requirement_that_is_not_known_names_the_release_that_knows_it() -> None:
    requirements = [
        Requirement(EVEN_LATER, "3.1.0"),
        Requirement(LATER, "2.4.0"),
        Requirement(NEWEST, "1.0.0"),
    ]
    with pytest.raises(UnsuitableSchemaError, match=r"deploy release 3\.1\.0 or newer"):
        judge([*BROUGHT, LATER, EVEN_LATER], requirements)


TAKES_AWAY = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN)|DROP\s+(?!KEY|INDEX|CONSTRAINT|FOREIGN|PRIMARY|CHECK)|RENAME|CHANGE)\b"
)
ANNOUNCES = "INSERT INTO schema_requirements"


@pytest.mark.parametrize(
    "statement, does",
    [
        ("ALTER TABLE accounts DROP COLUMN nickname", True),
        ("ALTER TABLE accounts DROP nickname", True),
        ("ALTER TABLE accounts RENAME COLUMN a TO b", True),
        ("DROP TABLE accounts", True),
        ("ALTER TABLE accounts DROP KEY retention", False),
        ("ALTER TABLE accounts ADD COLUMN nickname VARCHAR(20) NULL", False),
    ],
)
def test_what_takes_away_is_recognised(statement: str, does: bool) -> None:
    assert bool(TAKES_AWAY.search(statement)) == does


def test_whatever_is_taken_away_was_announced_by_the_migration_before() -> None:
    """Or a release that still uses it would start, and fail at its first statement."""
    ups = [
        file.read_text("utf-8").partition("-- migrate:up")[2].partition("-- migrate:down")[0]
        for file in sorted(MIGRATIONS.glob("*.sql"))
    ]
    for before, up in itertools.pairwise(["", *ups]):
        assert not TAKES_AWAY.search(up) or ANNOUNCES in before
