"""`check` says what rights are missing before anybody suffers from it, or nobody does and nothing is ever purged."""

from collections.abc import Iterator
from dataclasses import replace

import pymysql
import pytest
from pymysql.cursors import Cursor

from config.settings import parse_database_url
from registration.adapters.mysql.database import Database, open_database
from registration.adapters.mysql.inspection import try_rights
from registration.adapters.mysql.refusals import AccessRefused
from registration.adapters.mysql.schema_version import OLDEST
from registration.adapters.mysql.server import Server
from tests.private_database import Databases
from tools.addresses import LOOPBACK
from tools.private_mariadb import PrivateServer

EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE")
NEEDED = {
    "accounts": EVERYTHING,
    "address_guards": EVERYTHING,
    "mails": EVERYTHING,
    "wrong_codes": ("SELECT", "INSERT", "DELETE"),
    "data_keys": ("SELECT", "INSERT", "UPDATE"),
    "housekeeping": ("SELECT", "INSERT", "UPDATE"),
    "funnel": ("SELECT", "INSERT", "DELETE"),
}


@pytest.fixture
def owner(own_server: PrivateServer) -> Iterator[Cursor]:
    """Has given somebody what the service needs, table by table."""
    connection = pymysql.connect(unix_socket=str(own_server.socket), user=own_server.owner, autocommit=True)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE USER somebody@'{LOOPBACK}' IDENTIFIED BY 'a password'")
        for table, rights in NEEDED.items():
            cursor.execute(f"GRANT {', '.join(rights)} ON registration.{table} TO somebody@'{LOOPBACK}'")
        yield cursor


@pytest.fixture
def somebody(own_server: PrivateServer) -> Server:
    return replace(parse_database_url(own_server.url()), user="somebody", password="a password")


async def _try(database: Database) -> None:
    await database.read(try_rights)


async def test_each_right_that_is_used_is_tried(owner: Cursor, somebody: Server) -> None:
    async with open_database(somebody, connections=1) as database:
        await _try(database)
        for table, rights in NEEDED.items():
            for right in rights:
                owner.execute(f"REVOKE {right} ON registration.{table} FROM somebody@'{LOOPBACK}'")
                with pytest.raises(AccessRefused):
                    await _try(database)
                owner.execute(f"GRANT {right} ON registration.{table} TO somebody@'{LOOPBACK}'")
        await _try(database)


async def test_a_table_that_can_be_done_without_need_not_be_there(databases: Databases) -> None:
    async with open_database(parse_database_url(databases.migrated_to(OLDEST)), connections=1) as database:
        await _try(database)
