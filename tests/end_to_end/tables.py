"""A look into the database, past the service."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pymysql

from config.settings import parse_database_url
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import open_database
from registration.domain.activation_code import derive_code

Row = tuple[Any, ...]


def rows(database_url: str, query: str, *arguments: object) -> list[Row]:
    url = urlsplit(database_url)
    connection = pymysql.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.path.strip("/"),
        connect_timeout=5,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return list(cursor.fetchall())


def accounts_of(database_url: str, email: str) -> list[str]:
    """What the address has: a `registration`, a `user`, or both."""
    found = rows(database_url, "SELECT kind FROM accounts WHERE email = %s ORDER BY kind + 0", email)
    return [kind for (kind,) in found]


def mails_of(database_url: str, email: str) -> list[str]:
    """The state of each mail to the address, oldest first."""
    found = rows(database_url, "SELECT state FROM mails WHERE email = %s ORDER BY created_at", email)
    return [state for (state,) in found]


def wrong_codes_of(database_url: str, email: str) -> list[int]:
    """How many were shown while each mail to the address was its newest, oldest first."""
    found = rows(
        database_url,
        """
        SELECT COUNT(wrong_codes.id)
        FROM mails LEFT JOIN wrong_codes ON wrong_codes.newest_mail_id = mails.id
        WHERE mails.email = %s
        GROUP BY mails.id, mails.created_at ORDER BY mails.created_at
        """,
        email,
    )
    return [count for (count,) in found]


def cells(database_url: str) -> list[bytes]:
    """Every cell of every table, text and numbers as they are written."""
    tables = rows(
        database_url, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    )
    assert tables
    return [
        cell if isinstance(cell, bytes) else str(cell).encode()
        for (table,) in tables
        for row in rows(database_url, f"SELECT * FROM `{table}`")  # noqa: S608 - the tables' own names
        for cell in row
    ]


async def code_that_the_mail_stands_for(database_url: str, secret_key: str, mail_id: str) -> str:
    """The code of a mail, as the service derives it, be it that it was mailed or that a notice went in its place."""
    async with open_database(parse_database_url(database_url), connections=1) as database:
        keys = await load_keys(database, [secret_key])
        ((credential_id, code_key),) = rows(
            database_url, "SELECT credential_id, code_key FROM mails WHERE id = %s", UUID(mail_id).bytes
        )
        key = await keys.code_key(code_key)
    return derive_code(key, UUID(mail_id), UUID(bytes=credential_id), digits=4)
