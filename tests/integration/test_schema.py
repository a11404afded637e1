"""What people are told of the tables is what the migrations make."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pymysql
import pytest
from pymysql.cursors import Cursor

from config.settings import parse_database_url
from tests.private_database import ROOT, Databases

MIGRATIONS = sorted((ROOT / "db" / "migrations").glob("*.sql"))

# Not `SHOW CREATE TABLE`: MariaDB and MySQL print the same table differently.
QUESTIONS = (
    "SELECT table_name, engine, table_collation FROM information_schema.tables",
    """
    SELECT table_name, ordinal_position, column_name, column_type, is_nullable, column_default,
        character_set_name, collation_name, extra, column_comment
    FROM information_schema.columns
    """,
    """
    SELECT table_name, index_name, seq_in_index, column_name, sub_part, non_unique
    FROM information_schema.statistics
    """,
    "SELECT table_name, constraint_name, constraint_type FROM information_schema.table_constraints",
)


@contextlib.contextmanager
def cursor(url: str) -> Iterator[Cursor]:
    server = parse_database_url(url)
    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database,
    )
    with connection, connection.cursor() as opened:
        yield opened


def statements(sql: str) -> list[str]:
    """The statements without comment lines; each ends with a semicolon at the end of a line."""
    told = "\n".join(line for line in sql.splitlines() if not line.startswith("--"))
    return [statement.strip() for statement in re.split(r";$", told, flags=re.MULTILINE) if statement.strip()]


def described(url: str) -> list[Sequence[object]]:
    """Every table, column, key and constraint of the database, but for dbmate's own."""
    found: list[Sequence[object]] = []
    with cursor(url) as asked:
        for question in QUESTIONS:
            asked.execute(f"{question} WHERE table_schema = DATABASE() AND table_name <> 'schema_migrations'")
            found += asked.fetchall()
    return sorted(found, key=repr)


def test_schema_sql_is_the_sum_of_the_migrations(databases: Databases) -> None:
    written_down = databases.empty()
    with cursor(written_down) as told:
        for statement in statements((ROOT / "db" / "schema.sql").read_text("utf-8")):
            told.execute(statement)

    assert described(written_down) == described(databases.fresh())


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda migration: migration.name)
def test_a_migration_is_one_statement_each_way(migration: Path) -> None:
    """Neither server rolls DDL back: a file of two that fails between them could not be run again."""
    _, up, down = (
        migration.read_text("utf-8").replace("-- migrate:down", "-- migrate:up").split("-- migrate:up")
    )

    assert len(statements(up)) == len(statements(down)) == 1
