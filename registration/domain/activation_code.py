"""The activation code: derived from its mail's id, never stored, alive as its mail's fate says."""

import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from registration.domain.mail import Mail, MailState
from registration.domain.policy import LIVE_CODES, MAIL_DEADLINE


def derive_code(key: bytes, mail_id: UUID, credential_id: UUID, digits: int) -> str:
    """The code of a mail: uniformly distributed over all strings of that many decimal digits.

    The credential is part of it, so a code never fits another password. 128 bits of the HMAC are reduced, where
    HOTP (RFC 4226) takes 31: the bias stays under 2^-100 at eight digits.
    """
    mac = hmac.digest(key, mail_id.bytes + credential_id.bytes, "sha256")
    return f"{int.from_bytes(mac[:16]) % 10**digits:0{digits}d}"


def expires_at(mail: Mail, ttl: timedelta) -> datetime | None:
    """When the code stops working; None until the provider has accepted the mail."""
    return None if mail.accepted_at is None else mail.accepted_at + ttl


def is_live(mail: Mail, now: datetime, ttl: timedelta) -> bool:
    """Whether the mail's code works: to the end of its time after acceptance, before that for the mail's own life."""
    if mail.voided:
        return False
    if mail.accepted_at is not None:
        return now < mail.accepted_at + ttl
    may_arrive = mail.state is MailState.QUEUED or mail.maybe_sent
    return may_arrive and now < mail.created_at + MAIL_DEADLINE


def of_credential(mails: Iterable[Mail], credential_id: UUID) -> list[Mail]:
    """The mails that carry the credential's codes, newest first."""
    own = (mail for mail in mails if mail.credential_id == credential_id)
    return sorted(own, key=lambda mail: (mail.created_at, mail.id), reverse=True)


def superseded_by_a_new_code(newest_first: Sequence[Mail]) -> list[Mail]:
    """The mails that need not be sent any more once a new code exists; one that is on the wire is left alone."""
    return [mail for mail in newest_first if mail.state is MailState.QUEUED and not mail.is_claimed]


def voided_by_a_new_code(newest_first: Sequence[Mail], now: datetime, ttl: timedelta) -> list[Mail]:
    """The live codes that there is no room for beside a new one."""
    live = [mail for mail in newest_first if is_live(mail, now, ttl) and _survives_as_code(mail)]
    return live[LIVE_CODES - 1 :]


def _survives_as_code(mail: Mail) -> bool:
    return mail.state is MailState.ACCEPTED or mail.is_claimed or mail.maybe_sent
