from datetime import datetime
from uuid import UUID

from registration.adapters.mysql.accounts import naive
from registration.adapters.mysql.database import Connection


class MySQLWrongCodes:
    """The address's wrong codes, inside a transaction that holds its guard."""

    def __init__(self, connection: Connection, address_key: bytes, now: datetime, client_key: bytes) -> None:
        self._connection = connection
        self._address_key = address_key
        self._now = now
        self._client_key = client_key

    async def add(self, attempt_id: UUID, newest_mail_id: UUID) -> None:
        await self._connection.execute(
            """
            INSERT INTO wrong_codes (address_key, id, newest_mail_id, client_key, shown_at)
            VALUES (%s, %s, %s, %s, %s)
            """,
            self._address_key,
            attempt_id.bytes,
            newest_mail_id.bytes,
            self._client_key,
            naive(self._now),
        )

    async def forget(self) -> None:
        await self._connection.execute("DELETE FROM wrong_codes WHERE address_key = %s", self._address_key)
