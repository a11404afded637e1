"""The final tables, past the service."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from tools.chaos.record import AccountRow, MailRow, WrongCodeRow
from tools.trials.database import count, fetch_all


def accounts(url: str) -> Sequence[AccountRow]:
    rows = fetch_all(url, "SELECT email, kind, registered_at, activated_at, credential_id FROM accounts")
    return [
        AccountRow(email, kind, _seconds(registered) or 0.0, _seconds(activated), credential.hex())
        for email, kind, registered, activated, credential in rows
    ]


def mails(url: str) -> Sequence[MailRow]:
    rows = fetch_all(
        url,
        """
        SELECT id, email, request_id, kind, state, reason, created_at, accepted_at, credential_id
        FROM mails
        """,
    )
    return [
        MailRow(
            _id(mail_id),
            email,
            request_id,
            kind,
            state,
            reason,
            _seconds(created_at) or 0.0,
            _seconds(accepted_at),
            credential.hex(),
        )
        for mail_id, email, request_id, kind, state, reason, created_at, accepted_at, credential in rows
    ]


def wrong_codes(url: str) -> Sequence[WrongCodeRow]:
    rows = fetch_all(url, "SELECT address_key, client_key, newest_mail_id FROM wrong_codes")
    return [
        WrongCodeRow(address_key.hex(), client_key.hex(), _id(mail_id))
        for address_key, client_key, mail_id in rows
    ]


def waiting_mails(url: str) -> int:
    return count(url, "SELECT COUNT(*) FROM mails WHERE state = 'queued'")


def checksums(url: str) -> Sequence[Sequence[object]]:
    """What a node has in each table: the same on all nodes, or they have drifted apart."""
    rows = fetch_all(url, "CHECKSUM TABLE accounts, mails, wrong_codes, address_guards")
    return [tuple(row) for row in rows]


def _id(mail_id: bytes) -> str:
    """As the provider is told it."""
    return str(UUID(bytes=mail_id))


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.replace(tzinfo=UTC).timestamp()
