import asyncio
from dataclasses import dataclass, field

import pytest

from registration.adapters.mysql.pool import RECYCLE_SECONDS, Pool


@dataclass(eq=False)
class Connection:
    closed: bool = False
    is_dead: bool = False
    is_in_transaction: bool = False

    def close(self) -> None:
        self.closed = True

    def get_transaction_status(self) -> bool:
        return self.is_in_transaction


@dataclass
class Server:
    """Makes connections, unless it hangs; and a clock."""

    made: list[Connection] = field(default_factory=list)
    hangs: bool = False
    now: float = 1000.0

    async def connect(self) -> Connection:
        if self.hangs:
            await asyncio.Event().wait()
        self.made.append(Connection())
        return self.made[-1]

    def clock(self) -> float:
        return self.now


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def pool(server: Server) -> Pool:
    return Pool(server.connect, connect_limit=0.01, monotonic=server.clock)


async def test_a_connection_that_came_back_is_lent_again(pool: Pool, server: Server) -> None:
    first = await pool.acquire()
    assert (pool.used, pool.idle) == (1, 0)
    pool.release(first)
    assert (pool.used, pool.idle) == (0, 1)
    assert await pool.acquire() is first
    assert len(server.made) == 1


async def test_the_one_that_came_back_last_is_lent_first(pool: Pool) -> None:
    first, second = await pool.acquire(), await pool.acquire()
    pool.release(second)
    pool.release(first)
    assert await pool.acquire() is first


@pytest.mark.parametrize("fault", ["closed", "is_in_transaction"])
async def test_one_that_comes_back_unfit_is_not_kept(pool: Pool, fault: str) -> None:
    connection = await pool.acquire()
    setattr(connection, fault, True)
    pool.release(connection)
    assert connection.closed
    assert pool.idle == 0


async def test_one_that_died_at_rest_is_replaced(pool: Pool) -> None:
    connection = await pool.acquire()
    pool.release(connection)
    connection.is_dead = True
    assert await pool.acquire() is not connection
    assert connection.closed


async def test_one_that_rested_too_long_is_replaced(pool: Pool, server: Server) -> None:
    connection = await pool.acquire()
    pool.release(connection)
    server.now += RECYCLE_SECONDS + 1
    assert await pool.acquire() is not connection
    assert connection.closed


async def test_those_that_nobody_needs_are_closed_in_time(pool: Pool, server: Server) -> None:
    needed, spare = await pool.acquire(), await pool.acquire()
    pool.release(spare)
    server.now += RECYCLE_SECONDS + 1
    pool.release(needed)
    assert spare.closed
    assert pool.idle == 1


async def test_a_server_that_hangs_is_waited_for_no_longer_than_the_limit(pool: Pool, server: Server) -> None:
    server.hangs = True
    with pytest.raises(TimeoutError):
        await pool.acquire()
    assert pool.used == 0


async def test_its_end_closes_all_those_that_are_lent_too(pool: Pool) -> None:
    lent, idle = await pool.acquire(), await pool.acquire()
    pool.release(idle)
    pool.terminate()
    assert lent.closed
    assert idle.closed
    pool.release(lent)
    assert (pool.used, pool.idle) == (0, 0)
