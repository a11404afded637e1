from collections.abc import Sequence

from pymysql.err import IntegrityError

from registration.adapters.keys import KeyRing, WrappedKey
from registration.adapters.mysql.database import Connection, Database


class MySQLDataKeys:
    """The table of data keys; a DataKeyStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[WrappedKey]:
        async def read(connection: Connection) -> list[WrappedKey]:
            rows = await connection.fetch_all("SELECT purpose, generation, wrapped_key FROM data_keys")
            return [WrappedKey(*row) for row in rows]

        return await self._database.read(read)

    async def add(self, key: WrappedKey) -> None:
        async def insert(connection: Connection) -> None:
            try:
                await connection.execute(
                    """
                    INSERT INTO data_keys (purpose, generation, wrapped_key, created_at)
                    VALUES (%s, %s, %s, UTC_TIMESTAMP(6))
                    """,
                    key.purpose,
                    key.generation,
                    key.wrapped_key,
                )
            except IntegrityError:
                return

        await self._database.transact(insert)

    async def rewrap(self, keys: Sequence[WrappedKey]) -> None:
        async def update(connection: Connection) -> None:
            for key in keys:
                await connection.execute(
                    "UPDATE data_keys SET wrapped_key = %s WHERE purpose = %s AND generation = %s",
                    key.wrapped_key,
                    key.purpose,
                    key.generation,
                )

        await self._database.transact(update)


async def load_keys(database: Database, secrets: Sequence[str]) -> KeyRing:
    """The database's keys, opened with the secrets. Raises WrongSecretKeyError, TablesMissingError or Unavailable."""
    keys = KeyRing(MySQLDataKeys(database), secrets)
    await keys.load()
    return keys
