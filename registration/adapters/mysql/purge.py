"""Removing what has run out, a little at a time, so that nobody waits for it.

A purge does not ask for guards. What it removes matters to no unit of work, but for a registration that is just being
made anew: either that finds its row gone and begins again, or the purge finds the row young and leaves it.
"""

import contextlib
import itertools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from registration.adapters.mysql.database import Connection, Database, Row, TablesMissingError
from registration.domain.policy import WRONG_CODES_PER_YEAR
from registration.ports import Removal

FIRST_BATCH, MIN_BATCH, MAX_BATCH = 50, 10, 500
"""Rows. More would hold up the event loop while they are read."""

BATCH_SECONDS = 0.1
"""What a batch is to take: its rows are locked meanwhile, and from a slow disk many would not come within the statement's
time limit."""

BEFORE_ALL: Row = (datetime(1970, 1, 1), b"", b"")  # noqa: DTZ001 - DATETIME is UTC without saying so

FUNNEL_KEPT = timedelta(days=31)
"""For people to look back a month; nothing depends on it."""


@dataclass(frozen=True, slots=True)
class _Batch:
    found: Sequence[Row]
    """The oldest first. Each begins with its time."""
    removed: int


_RemoveBatch = Callable[[Row, datetime, int, Connection], Awaitable[_Batch]]
"""Given the last row of the batch before, the cut-off, and how many rows to find."""


class MySQLPurge:
    """A Purge.

    Registrations go first, all of them, then mails by the same cut-off. As no mail is older than its registration, each
    registration that there is has its mails at every instant.
    """

    def __init__(self, database: Database, retention: timedelta) -> None:
        """`retention` is that of registrations and mails, and no less than a day: for so long mails count."""
        self._database = database
        self._retention = retention

    async def __call__(self) -> AsyncGenerator[Removal, None]:
        now = await self._database.read(_now)
        for kind, remove_batch, cut_off in (
            ("registrations", _remove_registrations, now - self._retention),
            ("mails", _remove_mails, now - self._retention),
            ("wrong_codes", _remove_wrong_codes, now - WRONG_CODES_PER_YEAR.window),
        ):
            async for removal in self._walk(kind, remove_batch, cut_off):
                yield removal
        with contextlib.suppress(TablesMissingError):  # the oldest schema that will do has no such table
            async for removal in self._walk("funnel_minutes", _remove_funnel_minutes, now - FUNNEL_KEPT):
                yield removal

    async def _walk(
        self, kind: str, remove_batch: _RemoveBatch, cut_off: datetime
    ) -> AsyncGenerator[Removal, None]:
        """From the oldest to the cut-off, and never back: deleted rows stay in the index for a while, to be skipped."""
        last, oldest, count, limit = BEFORE_ALL, None, 0, FIRST_BATCH
        while True:
            began_at = time.monotonic()
            batch = await self._database.read(partial(remove_batch, last, cut_off, limit))
            seconds = time.monotonic() - began_at
            count += batch.removed
            if len(batch.found) < limit:
                yield Removal(kind, count, 1.0, seconds)
                return
            oldest, last = oldest or batch.found[0][0], batch.found[-1]
            yield Removal(kind, count, (last[0] - oldest) / (cut_off - oldest), seconds)
            limit = min(max(int(limit * BATCH_SECONDS / seconds), MIN_BATCH), MAX_BATCH)


async def _now(connection: Connection) -> datetime:
    rows = await connection.fetch_all("SELECT UTC_TIMESTAMP(6)")
    now: datetime = rows[0][0]
    return now


async def _remove_registrations(last: Row, cut_off: datetime, limit: int, connection: Connection) -> _Batch:
    """By primary key, as units of work do: both lock the row first and then its place in the index."""
    found = await connection.fetch_all(
        """
        SELECT registered_at, email FROM accounts FORCE INDEX (retention)
        WHERE kind = 'registration' AND registered_at >= %s AND registered_at < %s
        ORDER BY registered_at LIMIT %s
        """,
        last[0],
        cut_off,
        limit,
    )
    if not found:
        return _Batch(found, 0)
    removed = await connection.execute(
        "DELETE FROM accounts WHERE email IN %s AND kind = 'registration' AND registered_at < %s",
        tuple(email for _, email in found),
        cut_off,
    )
    return _Batch(found, removed)


async def _remove_mails(last: Row, cut_off: datetime, limit: int, connection: Connection) -> _Batch:
    """Guards first: if that is all that gets done, the mails are found again and nothing is forgotten."""
    found = await connection.fetch_all(
        """
        SELECT created_at, id, mailbox_key FROM mails FORCE INDEX (retention)
        WHERE created_at >= %s AND created_at < %s
        ORDER BY created_at LIMIT %s
        """,
        last[0],
        cut_off,
        limit,
    )
    if not found:
        return _Batch(found, 0)
    await _remove_guards({mailbox_key for _, _, mailbox_key in found}, cut_off, connection)
    removed = await connection.execute(
        "DELETE FROM mails WHERE id IN %s", tuple(mail_id for _, mail_id, _ in found)
    )
    return _Batch(found, removed)


async def _remove_guards(mailbox_keys: set[bytes], cut_off: datetime, connection: Connection) -> None:
    """Those of mailboxes without younger mails. Whoever holds one is waited for, and may need it again: then makes it."""
    idle = await connection.fetch_all(
        """
        SELECT g.mailbox_key FROM address_guards g
        LEFT JOIN mails m ON m.mailbox_key = g.mailbox_key AND m.created_at >= %s
        WHERE g.mailbox_key IN %s AND m.id IS NULL
        """,
        cut_off,
        tuple(mailbox_keys),
    )
    if idle:
        await connection.execute(
            "DELETE FROM address_guards WHERE mailbox_key IN %s",
            tuple(mailbox_key for (mailbox_key,) in idle),
        )


async def _remove_wrong_codes(last: Row, cut_off: datetime, limit: int, connection: Connection) -> _Batch:
    """All but those of addresses that are locked for good, which the walk therefore has to step over."""
    shown_at, address_key, attempt_id = last
    found = await connection.fetch_all(
        """
        SELECT shown_at, address_key, id FROM wrong_codes FORCE INDEX (retention)
        WHERE shown_at >= %s AND shown_at < %s
            AND (shown_at > %s OR address_key > %s OR address_key = %s AND id > %s)
        ORDER BY shown_at, address_key, id LIMIT %s
        """,
        shown_at,
        cut_off,
        shown_at,
        address_key,
        address_key,
        attempt_id,
        limit,
    )
    if not found:
        return _Batch(found, 0)
    locked = await _locked_for_good({key for _, key, _ in found}, connection)
    gone = [row[1:] for row in found if row[1] not in locked]
    if not gone:
        return _Batch(found, 0)
    keys = ", ".join(["(%s, %s)"] * len(gone))
    removed = await connection.execute(
        f"DELETE FROM wrong_codes WHERE (address_key, id) IN ({keys})",  # noqa: S608 - placeholders only
        *itertools.chain.from_iterable(gone),
    )
    return _Batch(found, removed)


async def _locked_for_good(address_keys: set[bytes], connection: Connection) -> set[bytes]:
    """As AddressGuard has it: the newest hundred lie within a year of each other. Only an operator ends that."""
    rows = await connection.fetch_all(
        """
        SELECT w.address_key FROM wrong_codes w
        JOIN (
            SELECT address_key, MAX(shown_at) AS shown_at FROM wrong_codes WHERE address_key IN %s GROUP BY address_key
        ) AS newest ON newest.address_key = w.address_key
        WHERE w.shown_at > newest.shown_at - INTERVAL %s SECOND
        GROUP BY w.address_key HAVING COUNT(*) >= %s
        """,
        tuple(address_keys),
        WRONG_CODES_PER_YEAR.window.total_seconds(),
        WRONG_CODES_PER_YEAR.count,
    )
    return {address_key for (address_key,) in rows}


async def _remove_funnel_minutes(last: Row, cut_off: datetime, limit: int, connection: Connection) -> _Batch:
    found = await connection.fetch_all(
        "SELECT minute FROM funnel WHERE minute >= %s AND minute < %s ORDER BY minute LIMIT %s",
        last[0],
        cut_off,
        limit,
    )
    if not found:
        return _Batch(found, 0)
    removed = await connection.execute(
        "DELETE FROM funnel WHERE minute >= %s AND minute <= %s", *found[0], *found[-1]
    )
    return _Batch(found, removed)
