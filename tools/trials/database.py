"""A look into a trial's database, past the service."""

from collections.abc import Sequence
from typing import Any, LiteralString
from urllib.parse import unquote, urlsplit

import pymysql


def fetch_all(database_url: str, statement: LiteralString, *args: object) -> Sequence[Sequence[Any]]:
    url = urlsplit(database_url)
    connection = pymysql.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        database=url.path.strip("/"),
        connect_timeout=5,
        read_timeout=30,
        # on a Galera node: what has been committed on the others counts
        init_command="SET /*M! wsrep_sync_wait = 1, */ autocommit = 1",
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(statement, args)
        return cursor.fetchall()


def count(database_url: str, statement: LiteralString, *args: object) -> int:
    """Return the one number that the statement selects."""
    ((number,),) = fetch_all(database_url, statement, *args)
    return int(number)
