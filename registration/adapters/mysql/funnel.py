"""What became of each minute's registrations and mails: counted from `mails`, settled in `funnel`.

A cohort is told as it was at an instant that goes by the minute alone, so it comes out the same however late it is
counted. But who has been erased or has registered anew by then counts as withdrawn, whatever went before: `accounts`
knows those no more.
"""

from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import LiteralString

import structlog
from pymysql.err import IntegrityError

from registration.adapters.mysql.accounts import naive
from registration.adapters.mysql.database import Connection, Database, Row, TablesMissingError
from registration.domain.policy import MAIL_DEADLINE, Policy
from registration.overview import MINUTE, Cohort, Counts, minute_of

LOOK_BACK = timedelta(days=1)
"""No less is the retention: nothing younger is purged."""

COLUMNS: LiteralString = (
    "registered, mailed, activated, expired_unused, codes, notices, accepted, failed, dropped"
)
"""In the order of Counts."""

# Registrations are told apart by credential. While one is there, its first mail is of the same instant; its mails stay,
# with their keys, when it is gone. Mails are looked up only where that does not tell.
COUNT: LiteralString = """
    SELECT COALESCE(SUM(is_first), 0), COALESCE(SUM(is_first AND is_mailed), 0),
        COALESCE(SUM(is_first AND is_active), 0), COALESCE(SUM(is_first AND is_there AND NOT is_active), 0),
        COALESCE(SUM(kind = 'activation-code'), 0), COALESCE(SUM(kind = 'address-taken'), 0),
        COALESCE(SUM(state = 'accepted'), 0), COALESCE(SUM(state = 'failed'), 0),
        COALESCE(SUM(state = 'dropped'), 0)
    FROM (
        SELECT m.kind, m.state,
            m.kind = 'activation-code' AND IF(a.email IS NULL, NOT EXISTS (
                SELECT 1 FROM mails earlier FORCE INDEX (mailbox)
                WHERE earlier.mailbox_key = m.mailbox_key AND earlier.credential_id = m.credential_id
                    AND earlier.created_at <= m.created_at
                    AND (earlier.created_at < m.created_at OR earlier.id < m.id)
            ), a.registered_at = m.created_at) AS is_first,
            m.accepted_at IS NOT NULL OR EXISTS (
                SELECT 1 FROM mails sent FORCE INDEX (mailbox)
                WHERE sent.mailbox_key = m.mailbox_key AND sent.credential_id = m.credential_id
                    AND sent.accepted_at < %s
            ) AS is_mailed,
            a.email IS NOT NULL AS is_there, COALESCE(a.activated_at < %s, FALSE) AS is_active
        FROM mails m FORCE INDEX (retention)
        LEFT JOIN accounts a ON a.email = m.email AND a.credential_id = m.credential_id
        WHERE m.created_at >= %s AND m.created_at < %s
    ) AS made
"""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def settles_after(policy: Policy) -> timedelta:
    """How long after a minute's end no first code of it can work any more: a mail's life, and its code's after that."""
    return MAIL_DEADLINE + policy.code_ttl


class MySQLFunnel:
    """A Funnel."""

    def __init__(self, database: Database, settles_after: timedelta) -> None:
        self._database = database
        self._settles_after = settles_after
        self._has_complained = False

    async def next_minute(self) -> datetime | None:
        """Also None, and once a line in the log, where the table is missing.

        Minutes are settled in their order, so none before the newest is left out; but those from before the first mail.
        """
        try:
            now, next_minute = await self._database.read(
                partial(_read_state, settles_after=self._settles_after)
            )
        except TablesMissingError:
            if not self._has_complained:
                log.warning("task_skipped", task="funnel", reason="tables are missing: run migrate")
            self._has_complained = True
            return None
        if next_minute is None:
            return None
        minute = max(next_minute, minute_of(now - LOOK_BACK) + MINUTE)
        return minute if minute + MINUTE + self._settles_after <= now else None

    async def count(self, minute: datetime) -> Cohort:
        return await self._database.read(
            partial(count_minute, minute=minute, settles_after=self._settles_after)
        )

    async def add(self, cohort: Cohort) -> bool:
        """Also False if it was this one's doing and the commit's answer was lost."""
        return await self._database.read(partial(_insert, cohort=cohort))


async def count_minute(connection: Connection, minute: datetime, settles_after: timedelta) -> Cohort:
    """The minute's cohort, settled or not."""
    ends_at = naive(minute + MINUTE)
    settled_at = ends_at + settles_after
    rows = await connection.fetch_all(COUNT, settled_at, settled_at, naive(minute), ends_at)
    return Cohort(minute, counts_of(rows[0]))


def counts_of(row: Row) -> Counts:
    """Of the values of COLUMNS."""
    return Counts(*map(int, row))


def utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC)


async def _read_state(connection: Connection, settles_after: timedelta) -> tuple[datetime, datetime | None]:
    """Now, and the minute after the newest that is settled; else that of the first mail that there is, if any.

    Minutes that cannot be settled yet were written while the server's clock was wrong, and are not waited for.
    """
    rows = await connection.fetch_all(
        """
        SELECT UTC_TIMESTAMP(6),
            (SELECT MAX(minute) FROM funnel WHERE minute <= UTC_TIMESTAMP(6) - INTERVAL %s SECOND),
            (SELECT MIN(created_at) FROM mails WHERE created_at >= UTC_TIMESTAMP(6) - INTERVAL %s SECOND)
        """,
        (settles_after + MINUTE).total_seconds(),
        LOOK_BACK.total_seconds(),
    )
    now, newest, first_mail_at = rows[0]
    if newest is not None:
        return utc(now), utc(newest) + MINUTE
    return utc(now), None if first_mail_at is None else minute_of(utc(first_mail_at))


async def _insert(connection: Connection, cohort: Cohort) -> bool:
    try:
        await connection.execute(
            f"INSERT INTO funnel (minute, {COLUMNS}) VALUES %s",  # noqa: S608 - names of our own
            (naive(cohort.begins_at), *astuple(cohort.counts)),
        )
    except IntegrityError:
        return False
    return True
