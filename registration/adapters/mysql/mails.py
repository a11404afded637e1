from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from registration.adapters.keys import KeyRing
from registration.adapters.mysql import leases
from registration.adapters.mysql.accounts import naive
from registration.adapters.mysql.database import ConflictError, Connection
from registration.domain.mail import NewMail
from registration.ports import OutgoingMail


@dataclass(frozen=True, slots=True)
class MailStamp:
    """What is written on every new mail besides what it is about."""

    template_version: int
    request_id: str | None
    trace_parent: str | None = None


class MySQLMails:
    """The address's mails, inside a transaction that holds its guard; couriers change the same rows without it."""

    def __init__(
        self,
        connection: Connection,
        keys: KeyRing,
        now: datetime,
        client_key: bytes,
        stamp: MailStamp,
        keep_fresh: Callable[[OutgoingMail], None],
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._now = now
        self._client_key = client_key
        self._stamp = stamp
        self._keep_fresh = keep_fresh

    async def add(self, mail: NewMail) -> None:
        created_at = naive(self._now)
        await self._connection.execute(
            """
            INSERT INTO mails
                (id, mailbox_key, client_key, email, kind, credential_id, code_key, template_version, language,
                 request_id, trace_parent, created_at, state, lease, due_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'queued', %s, %s + INTERVAL %s SECOND)
            """,
            mail.id.bytes,
            self._keys.mailbox_digest(mail.email.mailbox),
            self._client_key,
            mail.email.text,
            mail.kind.value,
            mail.credential_id.bytes,
            mail.code_key_id,
            self._stamp.template_version,
            mail.language,
            self._stamp.request_id,
            self._stamp.trace_parent,
            created_at,
            mail.id.bytes,
            created_at,
            leases.SECONDS,
        )
        self._keep_fresh(self._outgoing(mail))

    async def supersede(self, mail_ids: Sequence[UUID]) -> None:
        for mail_id in mail_ids:
            dropped = await self._connection.execute(
                """
                UPDATE mails
                SET state = 'dropped', reason = 'superseded', maybe_sent = maybe_sent OR lease IS NOT NULL,
                    due_at = NULL, lease = NULL
                WHERE id = %s AND state = 'queued' AND (lease IS NULL OR due_at <= UTC_TIMESTAMP(6))
                """,
                mail_id.bytes,
            )
            if not dropped:
                raise ConflictError

    async def void_codes(self, mail_ids: Sequence[UUID]) -> None:
        for mail_id in mail_ids:
            await self._connection.execute("UPDATE mails SET is_void = TRUE WHERE id = %s", mail_id.bytes)

    def _outgoing(self, mail: NewMail) -> OutgoingMail:
        return OutgoingMail(
            id=mail.id,
            kind=mail.kind,
            email=mail.email,
            credential_id=mail.credential_id,
            code_key_id=mail.code_key_id,
            language=mail.language,
            template_version=self._stamp.template_version,
            request_id=self._stamp.request_id,
            trace_parent=self._stamp.trace_parent,
            age=timedelta(),
            attempts=0,
            maybe_sent=False,
            provider=None,
            reason=None,
            is_wanted=True,
            lease=mail.id,
        )
