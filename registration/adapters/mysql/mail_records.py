"""What an operator may see and do of the mails. No code: a mail does not have it either."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

from registration.adapters.mysql.database import Connection, Database, Row
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind, MailState
from registration.domain.policy import MAIL_DEADLINE

_SELECT = """
    SELECT id, email, kind, state, created_at, due_at, accepted_at, attempts, maybe_sent, provider,
        provider_message_id, reason, request_id, language
    FROM mails WHERE """

_RETRY = """
    UPDATE mails
    SET is_void = is_void AND state <> 'failed', state = 'queued', due_at = UTC_TIMESTAMP(6), lease = NULL
    WHERE (state = 'failed' OR state = 'queued' AND lease IS NULL AND NOT is_void) AND email IS NOT NULL
        AND created_at > UTC_TIMESTAMP(6) - INTERVAL %s SECOND AND """


@dataclass(frozen=True, slots=True)
class MailRecord:
    """A mail as it stands. `email` is None once it has been erased."""

    id: UUID
    email: EmailAddress | None
    kind: MailKind
    state: MailState
    created_at: datetime
    due_at: datetime | None
    accepted_at: datetime | None
    attempts: int
    maybe_sent: bool
    provider: str | None
    provider_message_id: str | None
    reason: str | None
    request_id: str | None
    language: str


class MailRecords:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, state: MailState, limit: int) -> Sequence[MailRecord]:
        """Up to `limit` mails of the last day in that state, the newest first."""
        return await self._read(
            "state = %s AND created_at > UTC_TIMESTAMP(6) - INTERVAL 1 DAY ORDER BY created_at DESC LIMIT %s",
            state.value,
            limit,
        )

    async def to_address(self, email: EmailAddress, mailbox_key: bytes, limit: int) -> Sequence[MailRecord]:
        """Up to `limit` mails to the address that have not been purged, the newest first."""
        return await self._read(
            "mailbox_key = %s AND email = %s ORDER BY created_at DESC LIMIT %s",
            mailbox_key,
            email.text,
            limit,
        )

    async def find(self, mail_id: UUID) -> MailRecord | None:
        records = await self._read("id = %s", mail_id.bytes)
        return records[0] if records else None

    async def retry(self, mail_id: UUID) -> bool:
        """Make a failed or waiting mail due now; False if its time is over or its purpose gone."""
        return await self._retry("id = %s", mail_id.bytes) == 1

    async def retry_all(self) -> int:
        """Make every failed or waiting mail due now whose time is not over; return how many."""
        return await self._retry("created_at > UTC_TIMESTAMP(6) - INTERVAL 1 DAY")

    async def _read(self, condition: LiteralString, *args: object) -> Sequence[MailRecord]:
        async def read(connection: Connection) -> Sequence[Row]:
            return await connection.fetch_all(_SELECT + condition, *args)

        return [_record(row) for row in await self._database.read(read)]

    async def _retry(self, condition: LiteralString, *args: object) -> int:
        async def update(connection: Connection) -> int:
            return await connection.execute(_RETRY + condition, MAIL_DEADLINE.total_seconds(), *args)

        return await self._database.read(update)


def _record(row: Row) -> MailRecord:
    mail_id, email, kind, state, created_at, due_at, accepted_at, attempts, maybe_sent, *texts = row
    return MailRecord(
        UUID(bytes=mail_id),
        None if email is None else EmailAddress(email),
        MailKind(kind),
        MailState(state),
        created_at.replace(tzinfo=UTC),
        due_at and due_at.replace(tzinfo=UTC),
        accepted_at and accepted_at.replace(tzinfo=UTC),
        attempts,
        bool(maybe_sent),
        *texts,
    )
