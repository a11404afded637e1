"""All replicas' figures for the status page. No statement reads more than a minute's mails, or a thousand."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from pymysql.err import ProgrammingError

from registration.adapters.mysql.accounts import naive
from registration.adapters.mysql.database import TABLES_MISSING, Connection, Database, Row
from registration.adapters.mysql.funnel import COLUMNS, count_minute, counts_of, utc
from registration.adapters.mysql.remembered import Remembered
from registration.domain.mail import MailKind
from registration.overview import (
    HALF_HOUR,
    MINUTE,
    WAITING_LIMIT,
    Cohort,
    Counts,
    FailedMail,
    Overview,
    WaitingMails,
    first_half_hour_until,
    first_minute_until,
    half_hour_of,
    minute_of,
)

LIVE_SECONDS = 0.3
"""Spent on counting what is not settled; the newest minutes come first."""

LATE = 3 * MINUTE
"""How much later than it could a minute may be settled, until it is shown as not counted."""

FAILED_LIMIT = 10

_SELECT_MINUTES: LiteralString = f"""
    SELECT minute, {COLUMNS} FROM funnel WHERE minute >= %s AND minute <= %s ORDER BY minute
"""  # noqa: S608 - names of our own

_SELECT_HALF_HOURS: LiteralString = f"""
    SELECT TIMESTAMPDIFF(MINUTE, %s, minute) DIV 30 AS half_hour, {", ".join(f"SUM({c})" for c in COLUMNS.split(", "))}
    FROM funnel WHERE minute >= %s AND minute <= %s GROUP BY half_hour ORDER BY half_hour
"""  # noqa: S608 - names of our own

_SELECT_WAITING = """
    SELECT reason, COUNT(*) FROM (
        SELECT reason FROM mails FORCE INDEX (due) WHERE due_at IS NOT NULL ORDER BY due_at LIMIT %s
    ) AS due_first
    GROUP BY reason ORDER BY COUNT(*) DESC
"""

_SELECT_FAILED = """
    SELECT id, created_at, kind, email, provider, attempts, reason FROM mails FORCE INDEX (retention)
    WHERE created_at >= %s AND created_at < %s AND state = 'failed'
    ORDER BY created_at DESC LIMIT %s
"""


class OverviewReader(Remembered[Overview]):
    """A ReadOverview."""

    def __init__(
        self,
        database: Database,
        settles_after: timedelta,
        address_digest: Callable[[str], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(monotonic)
        self._database = database
        self._settles_after = settles_after
        self._address_digest = address_digest

    async def _ask(self) -> Overview | None:
        return await self._database.try_once(self._read)

    async def _read(self, connection: Connection) -> Overview:
        rows = await connection.fetch_all("SELECT UTC_TIMESTAMP(6)")
        now = utc(rows[0][0])
        minutes, half_hours = await _settled(connection, now)
        live = await self._live(connection, now, minutes)
        return Overview(
            now,
            minutes=[*minutes, *live],
            half_hours=_joined(half_hours, live),
            waiting=[
                WaitingMails(*row) for row in await connection.fetch_all(_SELECT_WAITING, WAITING_LIMIT)
            ],
            failed=await self._failed(connection, [*minutes, *live]),
        )

    async def _live(
        self, connection: Connection, now: datetime, settled: Sequence[Cohort]
    ) -> Sequence[Cohort]:
        """What is to be settled, counted as it stands."""
        began_at, minute = self._monotonic(), minute_of(now)
        earliest = minute - self._settles_after - LATE
        cohorts: list[Cohort] = []
        while minute >= earliest and not (settled and minute <= settled[-1].begins_at):
            cohort = await count_minute(connection, minute, self._settles_after)
            cohorts.insert(0, replace(cohort, is_settled=False))
            if self._monotonic() - began_at > LIVE_SECONDS:
                break
            minute -= MINUTE
        return cohorts

    async def _failed(self, connection: Connection, minutes: Sequence[Cohort]) -> Sequence[FailedMail]:
        rows: list[Row] = []
        for cohort in reversed([cohort for cohort in minutes if cohort.counts.failed]):
            begins_at, ends_at = naive(cohort.begins_at), naive(cohort.begins_at + MINUTE)
            rows += await connection.fetch_all(_SELECT_FAILED, begins_at, ends_at, FAILED_LIMIT - len(rows))
            if len(rows) >= FAILED_LIMIT:
                break
        return [self._failed_mail(row) for row in rows]

    def _failed_mail(self, row: Row) -> FailedMail:
        mail_id, created_at, kind, email, *rest = row
        recipient = None if email is None else self._address_digest(email)
        return FailedMail(UUID(bytes=mail_id), utc(created_at), MailKind(kind), recipient, *rest)


async def _settled(connection: Connection, now: datetime) -> tuple[Sequence[Cohort], Sequence[Cohort]]:
    """By minute and by half hour; nothing while the table is missing, nor of what is not over yet."""
    first_minute, first_half_hour = first_minute_until(now), first_half_hour_until(now)
    begins_at, until = naive(first_half_hour), naive(now - MINUTE)
    try:
        minutes = await connection.fetch_all(_SELECT_MINUTES, naive(first_minute), until)
        half_hours = await connection.fetch_all(_SELECT_HALF_HOURS, begins_at, begins_at, until)
    except ProgrammingError as error:
        if error.args[0] not in TABLES_MISSING:
            raise
        return [], []
    return (
        [Cohort(utc(minute), counts_of(counts)) for minute, *counts in minutes],
        [Cohort(first_half_hour + number * HALF_HOUR, counts_of(counts)) for number, *counts in half_hours],
    )


def _joined(half_hours: Sequence[Cohort], minutes: Sequence[Cohort]) -> Sequence[Cohort]:
    """The half hours with the minutes that are not in them yet."""
    joined = {cohort.begins_at: cohort for cohort in half_hours}
    for minute in minutes:
        begins_at = half_hour_of(minute.begins_at)
        known = joined.get(begins_at, Cohort(begins_at, Counts()))
        joined[begins_at] = Cohort(
            begins_at, known.counts + minute.counts, is_settled=False, settled_part=known.settled
        )
    return list(joined.values())
