import asyncio

import click
import uvicorn

from bench.peers.naive.app import open_pool
from bench.peers.settings import WORKERS

TABLES = (
    """
    CREATE TABLE users (
        id INT AUTO_INCREMENT PRIMARY KEY,
        email VARCHAR(254) NOT NULL UNIQUE,
        password_hash CHAR(60) NOT NULL,
        is_active BOOLEAN NOT NULL
    )
    """,
    """
    CREATE TABLE codes (
        user_id INT PRIMARY KEY REFERENCES users (id),
        code CHAR(4) NOT NULL,
        expires_at DATETIME NOT NULL
    )
    """,
)


async def create_tables() -> None:
    async with open_pool() as pool, pool.acquire() as connection, connection.cursor() as cursor:
        for table in TABLES:
            await cursor.execute(table)


@click.command()
@click.option("--port", type=int, required=True)
def main(port: int) -> None:
    """Make the tables, and serve."""
    asyncio.run(create_tables())
    uvicorn.run("bench.peers.naive.app:app", port=port, workers=WORKERS)


if __name__ == "__main__":
    main()
