"""What an operator is told of a database before a roll-out. Nothing is changed."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from pymysql.constants import ER
from pymysql.err import OperationalError, ProgrammingError

from registration.adapters.mysql.database import TABLES_MISSING, Connection

OLDEST_SERVERS: Mapping[str, tuple[int, int]] = {"MariaDB": (10, 11), "MySQL": (8, 4)}

_TOUCH_NOTHING: Sequence[LiteralString] = (
    "SELECT 1 FROM accounts, address_guards, data_keys, mails, wrong_codes WHERE FALSE",
    "INSERT INTO accounts SELECT * FROM accounts WHERE FALSE",
    "INSERT INTO address_guards SELECT * FROM address_guards WHERE FALSE",
    "INSERT INTO data_keys SELECT * FROM data_keys WHERE FALSE",
    "INSERT INTO mails SELECT * FROM mails WHERE FALSE",
    "INSERT INTO wrong_codes SELECT * FROM wrong_codes WHERE FALSE",
    "UPDATE accounts, mails SET accounts.is_decoy = accounts.is_decoy, mails.is_void = mails.is_void WHERE FALSE",
    "UPDATE address_guards, data_keys SET version = version, wrapped_key = wrapped_key WHERE FALSE",
    "DELETE accounts, address_guards, mails, wrong_codes FROM accounts, address_guards, mails, wrong_codes WHERE FALSE",
)
"""Each needs the rights of what the service does every day, and finds no row."""

_TOUCH_NOTHING_BESIDE: Sequence[LiteralString] = (
    "INSERT INTO housekeeping SELECT * FROM housekeeping WHERE FALSE",
    "UPDATE housekeeping SET due_at = due_at WHERE FALSE",
    "INSERT INTO funnel SELECT * FROM funnel WHERE FALSE",
    "DELETE FROM funnel WHERE FALSE",
)
"""Likewise, on tables that the oldest schema that will do has not."""


class ReadOnlyError(Exception):
    """The server takes no changes."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    product: str
    version: str
    tls: str
    """The protocol's name and version; empty where the connection goes in the clear."""

    @property
    def is_supported(self) -> bool:
        return tuple(map(int, self.version.split("."))) >= OLDEST_SERVERS[self.product]


async def read_facts(connection: Connection) -> ServerFacts:
    """Ask the server what it is, and how it is spoken to."""
    [(version,)] = await connection.fetch_all("SELECT VERSION()")
    [(_, tls)] = await connection.fetch_all("SHOW SESSION STATUS LIKE 'Ssl_version'")
    return parse_version(version, tls)


def parse_version(text: str, tls: str = "") -> ServerFacts:
    """The facts in what `VERSION()` says, as in `10.11.19-MariaDB-0+deb12u1` and `8.4.3`."""
    number = re.match(r"\d+(\.\d+)*", text)
    return ServerFacts("MariaDB" if "MariaDB" in text else "MySQL", number[0] if number else "0", tls)


async def try_rights(connection: Connection) -> None:
    """Go through the motions of the service's work. Raises OperationalError where a right is missing, ReadOnlyError."""
    try:
        for statement in _TOUCH_NOTHING:
            await connection.execute(statement)
        for statement in _TOUCH_NOTHING_BESIDE:
            with _tables_may_be_missing():
                await connection.execute(statement)
    except OperationalError as error:
        if error.args[0] == ER.OPTION_PREVENTS_STATEMENT:
            raise ReadOnlyError from error
        raise


@contextlib.contextmanager
def _tables_may_be_missing() -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        if error.args[0] not in TABLES_MISSING:
            raise
