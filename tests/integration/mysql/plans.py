"""How a server is about to do what it is told, in one form for MariaDB and MySQL."""

import warnings
from typing import LiteralString, NamedTuple

from pymysql.err import Warning as ServersRemark

from registration.adapters.mysql.database import Connection


class Step(NamedTuple):
    """A table that is read, how, and by which key; `remarks` are the server's, empty if it has none."""

    table: str
    how: str
    key: str | None
    remarks: str

    @property
    def scans(self) -> bool:
        """Whether all of a table is read; what is made on the way, out of a few rows, is none."""
        return self.how in {"ALL", "index"} and not self.table.startswith("<")


async def explain(connection: Connection, sql: LiteralString, *args: object) -> list[Step]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServersRemark)  # MySQL says how it has understood the statement
        rows = await connection.fetch_all("EXPLAIN FORMAT=TRADITIONAL " + sql, *args)
    begin = 3 if rows and len(rows[0]) == 10 else 4  # MySQL has two columns more
    return [Step(row[2] or "", row[begin] or "", row[begin + 2], row[-1] or "") for row in rows]
