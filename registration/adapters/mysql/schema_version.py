"""Which tables this release works with.

Migrations that only add are borne by every release since `OLDEST`, so those that have run may be more than are known
here. One that takes something away says before it, in `schema_requirements`, what a release must know to go on.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pymysql.err import ProgrammingError

from registration.adapters.mysql.database import TABLES_MISSING, Connection

OLDEST = "20261101000500"
"""Without a migration up to here nothing works; without a later one, something that can be done without."""

REQUIREMENTS = "20261122000300"
"""Makes the table of requirements."""

NEWEST = "20261122000300"
"""The last one that this release brings."""


class UnsuitableSchemaError(Exception):
    """This release cannot work with the database's tables; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A release must know the migration `needs`; the first that does is `release`."""

    needs: str
    release: str


async def read_schema_version(connection: Connection) -> str:
    """Return the last migration that has run. Raises UnsuitableSchemaError."""
    versions = await _read_versions(connection)
    requirements: Sequence[Requirement] = ()
    if REQUIREMENTS in versions:
        rows = await connection.fetch_all("SELECT needs, first_release FROM schema_requirements")
        requirements = [Requirement(*row) for row in rows]
    return judge(versions, requirements)


def judge(versions: Collection[str], requirements: Collection[Requirement]) -> str:
    """Return the newest of the versions. Raises UnsuitableSchemaError."""
    if OLDEST not in versions:
        raise UnsuitableSchemaError(
            "The database has no tables yet, or older ones than this release works with: "
            "run `python -m registration migrate`."
        )
    unknown = [requirement for requirement in requirements if requirement.needs > NEWEST]
    if unknown:
        hardest = max(unknown, key=lambda requirement: requirement.needs)
        raise UnsuitableSchemaError(
            f"This release is too old for the database's tables: deploy release {hardest.release} or newer, "
            f"which knows migration {hardest.needs}."
        )
    return max(versions)


async def _read_versions(connection: Connection) -> set[str]:
    try:
        versions = {
            version for (version,) in await connection.fetch_all("SELECT version FROM schema_migrations")
        }
    except ProgrammingError as error:
        if error.args[0] not in TABLES_MISSING:
            raise
        versions = set()
    if not versions and await _there_are_tables(connection):
        raise UnsuitableSchemaError(
            "The database has our tables, but no list of the migrations that made them, as `python -m registration "
            "migrate` keeps it in `schema_migrations`: let that make them, in an empty database."
        )
    return versions


async def _there_are_tables(connection: Connection) -> bool:
    rows = await connection.fetch_all(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'accounts'"
    )
    return bool(rows)
