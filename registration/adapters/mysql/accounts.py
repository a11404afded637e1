"""Reading all that is known of an address, and changing its registration and user."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from registration.adapters.keys import KeyRing
from registration.adapters.mysql.database import ConflictError, Connection, Row
from registration.domain.account import Account
from registration.domain.address_guard import WrongCode
from registration.domain.email_address import EmailAddress
from registration.domain.mail import Mail, MailState
from registration.domain.password import PasswordHash
from registration.domain.registration import Registration
from registration.domain.user import User

_NOBODY = UUID(int=0)
_NOBODYS_ADDRESS = ""
_NOBODYS_HASH = "$2b$00$" + 53 * "."

# As much is read, converted and opened whatever there is, or a stop-watch would tell: what is not there is `nobody`'s.
# A computed column without a name gets its expression for one, digest and all, which the driver may not be able to read.
_SELECT_ACCOUNT = """
    SELECT UTC_TIMESTAMP(6), EXISTS (SELECT 1 FROM wrong_codes WHERE address_key = %s) AS has_wrong_codes,
        COALESCE(u.credential_id, nobody.id), COALESCE(u.password_hash, nobody.password_hash),
        COALESCE(u.password_key, nobody.password_key), COALESCE(u.registered_at, nobody.at),
        COALESCE(u.activated_at, nobody.at),
        COALESCE(r.credential_id, nobody.id), COALESCE(r.password_hash, nobody.password_hash),
        COALESCE(r.password_key, nobody.password_key), COALESCE(r.registered_at, nobody.at),
        COALESCE(r.is_decoy, FALSE),
        COALESCE(m.id, nobody.id), COALESCE(m.credential_id, nobody.id), COALESCE(m.code_key, nobody.code_key),
        COALESCE(m.language, ''), COALESCE(m.created_at, nobody.at), COALESCE(m.state, 'dropped'),
        IF(m.id IS NULL, nobody.at, m.accepted_at),
        m.lease IS NOT NULL AND m.due_at > UTC_TIMESTAMP(6),
        COALESCE(m.maybe_sent, FALSE) OR m.lease IS NOT NULL AND m.due_at <= UTC_TIMESTAMP(6),
        COALESCE(m.is_void, FALSE), COALESCE(m.client_key = %s, FALSE) AS by_this_client
    FROM (
        SELECT %s AS id, %s AS password_hash, CAST(%s AS UNSIGNED) AS password_key,
            CAST(0 AS UNSIGNED) AS code_key, UTC_TIMESTAMP(6) AS at
    ) AS nobody
    LEFT JOIN accounts u ON u.email = %s AND u.kind = 'user'
    LEFT JOIN accounts r ON r.email = %s AND r.kind = 'registration'
    LEFT JOIN mails m ON m.mailbox_key = %s
        AND (m.created_at > UTC_TIMESTAMP(6) - INTERVAL 1 DAY OR m.credential_id = r.credential_id)
"""


async def read_account(
    connection: Connection, keys: KeyRing, email: EmailAddress, client_key: bytes
) -> Account:
    """One statement, and a second one only for an address that has wrong codes."""
    address_key = keys.address_digest(email.text)
    rows = await connection.fetch_all(
        _SELECT_ACCOUNT,
        address_key,
        client_key,
        _NOBODY.bytes,
        _nobodys_sealed_hash(keys, keys.current_password_key_id),
        keys.current_password_key_id,
        email.text,
        email.text,
        keys.mailbox_digest(email.mailbox),
    )
    now, has_wrong_codes = rows[0][:2]
    user = await _user(keys, email, rows[0][2:7])
    registration = await _registration(keys, email, rows[0][7:12])
    mails = [_mail(row[12:]) for row in rows]
    return Account(
        email=email,
        now=_utc(now),
        user=user if user.credential_id != _NOBODY else None,
        registration=registration if registration.credential_id != _NOBODY else None,
        mails=[mail for mail in mails if mail.id != _NOBODY],
        wrong_codes=await _wrong_codes(connection, address_key, client_key) if has_wrong_codes else (),
    )


class MySQLAccounts:
    """The address's rows in `accounts`, inside a transaction that holds its guard."""

    def __init__(self, connection: Connection, keys: KeyRing, account: Account) -> None:
        self._connection = connection
        self._keys = keys
        self._account = account

    async def put_registration(self, registration: Registration) -> None:
        columns = (
            registration.is_decoy,
            registration.credential_id.bytes,
            *self._seal(registration.password_hash, registration),
            naive(registration.registered_at),
            registration.email.text,
        )
        if self._account.registration is None:
            await self._connection.execute(
                """
                INSERT INTO accounts
                    (is_decoy, credential_id, password_hash, password_key, registered_at, email, kind)
                VALUES (%s, %s, %s, %s, %s, %s, 'registration')
                """,
                *columns,
            )
            return
        found = await self._connection.execute(
            """
            UPDATE accounts
            SET is_decoy = %s, credential_id = %s, password_hash = %s, password_key = %s, registered_at = %s
            WHERE email = %s AND kind = 'registration'
            """,
            *columns,
        )
        if not found:  # purged since it was read, for a purge does not ask for the guard
            raise ConflictError

    async def activate(self, registration: Registration) -> User:
        found = await self._connection.execute(
            """
            UPDATE accounts SET kind = 'user', activated_at = %s
            WHERE email = %s AND kind = 'registration' AND credential_id = %s AND NOT is_decoy
            """,
            naive(self._account.now),
            registration.email.text,
            registration.credential_id.bytes,
        )
        if not found:
            raise ConflictError
        return User(
            registration.email,
            registration.credential_id,
            registration.password_hash,
            registration.registered_at,
            activated_at=self._account.now,
        )

    async def erase(self, holder: Registration | User) -> None:
        await self._connection.execute(
            "DELETE FROM accounts WHERE email = %s AND credential_id = %s",
            holder.email.text,
            holder.credential_id.bytes,
        )
        account = self._account
        others = [other for other in (account.user, account.registration) if other not in (None, holder)]
        await self._connection.execute(
            """
            UPDATE mails
            SET email = NULL, request_id = NULL, trace_parent = NULL, provider_message_id = NULL,
                is_void = TRUE, state = IF(state = 'queued', 'dropped', state), due_at = NULL, lease = NULL
            WHERE mailbox_key = %s AND email = %s AND credential_id <> %s
            """,
            self._keys.mailbox_digest(holder.email.mailbox),
            holder.email.text,
            others[0].credential_id.bytes if others and others[0] else b"",
        )
        # Held by this transaction to its end, deleted or not; whoever waits for it then makes it anew.
        await self._connection.execute(
            "DELETE FROM address_guards WHERE mailbox_key = %s",
            self._keys.mailbox_digest(holder.email.mailbox),
        )

    async def renew_hash(self, holder: Registration | User, password_hash: PasswordHash) -> None:
        await self._connection.execute(
            "UPDATE accounts SET password_hash = %s, password_key = %s WHERE email = %s AND credential_id = %s",
            *self._seal(password_hash, holder),
            holder.email.text,
            holder.credential_id.bytes,
        )

    def _seal(self, password_hash: PasswordHash, holder: Registration | User) -> tuple[bytes, int]:
        sealed = self._keys.seal_password_hash(password_hash.bcrypt, holder.email.text, holder.credential_id)
        return sealed, self._keys.current_password_key_id


def naive(instant: datetime) -> datetime:
    """UTC without saying so, as DATETIME is: the driver would drop an offset silently."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC)


@lru_cache(maxsize=8)
def _nobodys_sealed_hash(keys: KeyRing, _key_id: int) -> bytes:
    """For each key once; sealing takes as long as opening."""
    return keys.seal_password_hash(_NOBODYS_HASH, _NOBODYS_ADDRESS, _NOBODY)


async def _hash(keys: KeyRing, email: EmailAddress, row: Row) -> tuple[UUID, PasswordHash]:
    credential_id = UUID(bytes=row[0])
    owner = _NOBODYS_ADDRESS if credential_id == _NOBODY else email.text
    opened = await keys.open_password_hash(row[1], row[2], owner, credential_id)
    return credential_id, PasswordHash(opened, key_is_old=row[2] != keys.current_password_key_id)


async def _user(keys: KeyRing, email: EmailAddress, row: Row) -> User:
    credential_id, password_hash = await _hash(keys, email, row)
    return User(email, credential_id, password_hash, _utc(row[3]), _utc(row[4]))


async def _registration(keys: KeyRing, email: EmailAddress, row: Row) -> Registration:
    credential_id, password_hash = await _hash(keys, email, row)
    return Registration(email, credential_id, password_hash, bool(row[4]), _utc(row[3]))


def _mail(row: Row) -> Mail:
    mail_id, credential_id, code_key, language, created_at, state, accepted_at, *flags = row
    return Mail(
        UUID(bytes=mail_id),
        UUID(bytes=credential_id),
        code_key,
        language,
        _utc(created_at),
        MailState(state),
        None if accepted_at is None else _utc(accepted_at),
        *map(bool, flags),
    )


async def _wrong_codes(connection: Connection, address_key: bytes, client_key: bytes) -> Sequence[WrongCode]:
    rows: Sequence[Any] = await connection.fetch_all(
        """
        SELECT id, newest_mail_id, shown_at, client_key = %s AS by_this_client
        FROM wrong_codes WHERE address_key = %s
        """,
        client_key,
        address_key,
    )
    return [
        WrongCode(UUID(bytes=attempt), UUID(bytes=mail), _utc(at), bool(own))
        for attempt, mail, at, own in rows
    ]
