# mypy: disable-error-code="import-not-found"

import asyncio

import click
import uvicorn

from bench.peers.fastapi_users.app import Base, engine
from bench.peers.settings import WORKERS


async def create_tables() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


@click.command()
@click.option("--port", type=int, required=True)
def main(port: int) -> None:
    """Make the tables, and serve."""
    asyncio.run(create_tables())
    uvicorn.run("bench.peers.fastapi_users.app:app", port=port, workers=WORKERS)


if __name__ == "__main__":
    main()
