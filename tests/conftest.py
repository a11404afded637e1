"""What all tests may ask for. Nothing is started for those that do not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.private_database import Databases, migrate, open_databases, open_server
from tools import private_redis
from tools.private_mariadb import PrivateServer
from tools.private_redis import NoRedis, PrivateRedis, throwaway_redis


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Where databases are made; started by the first test that needs one."""
    with open_databases() as databases:
        yield databases


@pytest.fixture(scope="session")
def database_url(databases: Databases) -> str:
    """The URL of a database with today's tables, shared by the whole run."""
    return databases.fresh()


@pytest.fixture
def fresh_database(databases: Databases) -> Callable[[], str]:
    """Make a database with today's tables and no rows, and return its URL."""
    return databases.fresh


@pytest.fixture
def own_server() -> Iterator[PrivateServer]:
    """A server of the test's own, with today's tables: to be killed, paused, stopped and started again."""
    with open_server() as server:
        migrate(server.url())
        yield server


@pytest.fixture(scope="session")
def redis_program() -> Path:
    try:
        return private_redis.find()
    except NoRedis as error:
        pytest.skip(str(error))


@pytest.fixture
def own_redis(redis_program: Path) -> Iterator[PrivateRedis]:
    """A Redis of the test's own: to be killed, paused and started again."""
    with throwaway_redis(redis_program) as redis:
        yield redis
