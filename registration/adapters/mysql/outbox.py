"""The sending side of `mails`: leases, and what became of each attempt. Every statement is a transaction of its own."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import LiteralString
from uuid import UUID, uuid4

from registration.adapters.mysql import leases
from registration.adapters.mysql.database import Connection, Database, Row
from registration.adapters.mysql.fresh_mails import FreshMails
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind
from registration.ports import OutgoingMail

_SELECT_OUTGOING = """
    SELECT m.id, m.kind, m.email, m.credential_id, m.code_key, m.language, m.template_version, m.request_id,
        m.trace_parent, TIMESTAMPDIFF(MICROSECOND, m.created_at, UTC_TIMESTAMP(6)), m.attempts, m.maybe_sent,
        m.provider, m.reason,
        a.email IS NOT NULL AND NOT m.is_void AND NOT EXISTS (
            SELECT 1 FROM mails newer
            WHERE newer.mailbox_key = m.mailbox_key AND newer.created_at > m.created_at
                AND newer.credential_id = m.credential_id
        ) AND (m.kind <> 'address-taken' OR u.email IS NOT NULL),
        m.lease
    FROM mails m
    LEFT JOIN accounts a ON a.email = m.email AND a.kind = 'registration' AND a.credential_id = m.credential_id
    LEFT JOIN accounts u ON u.email = m.email AND u.kind = 'user'
    WHERE m.state = 'queued' AND """


class MySQLOutbox:
    """An Outbox."""

    def __init__(self, database: Database, fresh: FreshMails | None = None) -> None:
        """`fresh` is where the units of work of this process put the mails that they write."""
        self._database = database
        self._fresh = FreshMails() if fresh is None else fresh

    async def take_fresh(self, mail_id: UUID) -> OutgoingMail | None:
        if mail := self._fresh.take(mail_id):
            return mail

        async def read(connection: Connection) -> Sequence[Row]:
            return await connection.fetch_all(
                _SELECT_OUTGOING
                + "m.id = %s AND m.lease = m.id AND m.due_at > UTC_TIMESTAMP(6) + INTERVAL %s SECOND",
                mail_id.bytes,
                leases.ATTEMPT_SECONDS,
            )

        rows = await self._database.read(read)
        return _outgoing(rows[0]) if rows else None

    async def let_go_of_fresh(self, mail_id: UUID) -> None:
        await self._run(
            """
            UPDATE mails SET lease = NULL, due_at = UTC_TIMESTAMP(6)
            WHERE id = %s AND lease = id AND state = 'queued' AND due_at > UTC_TIMESTAMP(6)
            """,
            mail_id.bytes,
        )

    async def claim_due(self, limit: int) -> Sequence[OutgoingMail]:
        """Without SKIP LOCKED, which a cluster does not honour: the update decides who gets a mail.

        A lease that ran out was its holder's end, who may have sent the mail and not said so.
        """
        lease = uuid4()

        async def claim(connection: Connection) -> Sequence[Row]:
            due = await connection.fetch_all(
                "SELECT id FROM mails WHERE due_at <= UTC_TIMESTAMP(6) ORDER BY due_at DESC LIMIT %s", limit
            )
            if not due:
                return []
            ids = tuple(row[0] for row in due)
            claimed = await connection.execute(
                """
                UPDATE mails
                SET maybe_sent = maybe_sent OR lease IS NOT NULL, lease = %s,
                    due_at = UTC_TIMESTAMP(6) + INTERVAL %s SECOND
                WHERE id IN %s AND due_at <= UTC_TIMESTAMP(6)
                """,
                lease.bytes,
                leases.SECONDS,
                ids,
            )
            if not claimed:
                return []
            return await connection.fetch_all(
                _SELECT_OUTGOING + "m.id IN %s AND m.lease = %s", ids, lease.bytes
            )

        return [_outgoing(row) for row in await self._database.read(claim)]

    async def accept(
        self,
        mail: OutgoingMail,
        provider: str,
        message_id: str | None,
        since_answer: Callable[[], timedelta],
    ) -> None:
        async def update(connection: Connection) -> int:
            return await connection.execute(
                """
                UPDATE mails
                SET state = 'accepted', accepted_at = UTC_TIMESTAMP(6) - INTERVAL %s MICROSECOND, provider = %s,
                    provider_message_id = %s, attempts = attempts + 1, reason = NULL, due_at = NULL, lease = NULL
                WHERE id = %s
                    AND (state = 'queued' OR state IN ('failed', 'dropped') AND maybe_sent AND NOT is_void)
                """,
                since_answer() // timedelta(microseconds=1),  # at every try
                provider,
                message_id,
                mail.id.bytes,
            )

        await self._database.read(update)

    async def retry(
        self, mail: OutgoingMail, after: timedelta, reason: str, *, maybe_sent_by: str | None = None
    ) -> None:
        await self._run(
            """
            UPDATE mails
            SET due_at = UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND, lease = NULL, attempts = attempts + 1,
                reason = %s, maybe_sent = maybe_sent OR %s, provider = COALESCE(%s, provider)
            WHERE id = %s AND state = 'queued' AND lease = %s
            """,
            after // timedelta(microseconds=1),
            reason,
            maybe_sent_by is not None,
            maybe_sent_by,
            mail.id.bytes,
            mail.lease.bytes,
        )

    async def fail(self, mail: OutgoingMail, reason: str) -> None:
        await self._settle(mail, "failed", reason, void=True)

    async def give_up(self, mail: OutgoingMail, reason: str) -> None:
        await self._settle(mail, "failed", reason, void=False)

    async def drop(self, mail: OutgoingMail, reason: str) -> None:
        await self._settle(mail, "dropped", reason, void=False)

    async def give_back(self, mails: Sequence[OutgoingMail], after: timedelta = timedelta()) -> None:
        if mails:
            await self._run(
                """
                UPDATE mails SET due_at = UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND, lease = NULL
                WHERE id IN %s AND state = 'queued' AND lease IN %s
                """,
                after // timedelta(microseconds=1),
                tuple(mail.id.bytes for mail in mails),
                tuple({mail.lease.bytes for mail in mails}),
            )

    async def fail_overdue(self, age: timedelta, limit: int) -> int:
        async def fail(connection: Connection) -> int:
            overdue = await connection.fetch_all(
                """
                SELECT id FROM mails FORCE INDEX (due)
                WHERE due_at <= UTC_TIMESTAMP(6) AND created_at <= UTC_TIMESTAMP(6) - INTERVAL %s MICROSECOND
                ORDER BY due_at LIMIT %s
                """,
                age // timedelta(microseconds=1),
                limit,
            )
            if not overdue:
                return 0
            return await connection.execute(
                """
                UPDATE mails
                SET state = 'failed', reason = COALESCE(reason, 'out of time'),
                    maybe_sent = maybe_sent OR lease IS NOT NULL, due_at = NULL, lease = NULL
                WHERE id IN %s AND due_at <= UTC_TIMESTAMP(6)
                """,
                tuple(row[0] for row in overdue),
            )

        return await self._database.read(fail)

    async def _settle(self, mail: OutgoingMail, state: str, reason: str, *, void: bool) -> None:
        await self._run(
            """
            UPDATE mails SET state = %s, reason = %s, is_void = is_void OR %s, due_at = NULL, lease = NULL
            WHERE id = %s AND state = 'queued' AND lease = %s
            """,
            state,
            reason,
            void,
            mail.id.bytes,
            mail.lease.bytes,
        )

    async def _run(self, sql: LiteralString, *args: object) -> None:
        async def execute(connection: Connection) -> int:
            return await connection.execute(sql, *args)

        await self._database.read(execute)


def _outgoing(row: Row) -> OutgoingMail:
    mail_id, kind, email, credential_id, *tail = row
    code_key, language, template_version, request_id, trace_parent, age, *tail = tail
    attempts, maybe_sent, provider, reason, is_wanted, lease = tail
    return OutgoingMail(
        id=UUID(bytes=mail_id),
        kind=MailKind(kind),
        email=EmailAddress(email),
        credential_id=UUID(bytes=credential_id),
        code_key_id=code_key,
        language=language,
        template_version=template_version,
        request_id=request_id,
        trace_parent=trace_parent,
        age=timedelta(microseconds=age),
        attempts=attempts,
        maybe_sent=bool(maybe_sent),
        provider=provider,
        reason=reason,
        is_wanted=bool(is_wanted),
        lease=UUID(bytes=lease),
    )
