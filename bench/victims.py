"""Addresses of every kind, as the service leaves them, put into the database by the service's own adapters."""

import asyncio
import contextlib
import os
import secrets
import string
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import bcrypt

from bench.probes import connect
from config.settings import parse_database_url
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import open_database
from registration.adapters.mysql.mails import MailStamp
from registration.adapters.mysql.unit_of_work import MySQLUnitsOfWork
from registration.courier.rendering import TEMPLATE_VERSION
from registration.domain.email_address import EmailAddress
from registration.domain.password import PasswordHash
from registration.domain.registration import Registration
from registration.hashing.bcrypt_hasher import prehash
from registration.ports import UnitOfWork

AT_ONCE = 8
CLIENT = "somebody else"
_DIGITS = "./" + string.ascii_letters + string.digits

_SETTLE_MAILS = """
    UPDATE mails SET state = 'accepted', attempts = 1, provider = 'mailpit', provider_message_id = HEX(id),
        accepted_at = UTC_TIMESTAMP(6), lease = NULL, due_at = NULL
    WHERE state = 'queued'
"""
_AGE_USERS_MAILS = """
    UPDATE mails m JOIN accounts a ON a.email = m.email AND a.kind = 'user' AND a.credential_id = m.credential_id
    SET m.created_at = m.created_at - INTERVAL 30 DAY, m.accepted_at = m.accepted_at - INTERVAL 30 DAY
"""
_AGE_USERS = """
    UPDATE accounts SET registered_at = registered_at - INTERVAL 30 DAY, activated_at = activated_at - INTERVAL 30 DAY
    WHERE kind = 'user'
"""


class Kind(StrEnum):
    UNKNOWN = "unknown"
    PENDING = "pending"
    DECOY = "decoy"
    """Active for a month, and registered by somebody else just now."""
    ACTIVE = "active"
    """For a month: mails of the last day count towards limits, so whoever was mailed of late can be told by asking."""


@dataclass(frozen=True, slots=True)
class Victim:
    """An address, and the password that will be shown for it."""

    kind: Kind
    email: str
    password: str


def victims(kinds: Sequence[Kind], count: int) -> list[Victim]:
    """So many of each kind. All addresses are of one length and in no order, so neither length nor index tells them."""
    return [
        Victim(kind, f"victim.{secrets.token_hex(8)}@example.org", f"words {secrets.token_hex(8)}")
        for kind in kinds
        for _ in range(count)
    ]


def put(
    database_url: str, secret_key: str, cost: int, them: Sequence[Victim], *, passwords_fit: bool
) -> None:
    """Write all but the unknown. Passwords that fit, as whoever registered the address knows, take a hash each."""
    known = [victim for victim in them if victim.kind is not Kind.UNKNOWN]
    if passwords_fit:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            hashes = list(threads.map(lambda victim: _hash(victim.password, cost), known))
    else:
        hashes = [_like(bcrypt.gensalt(cost).decode()) for _ in known]
    asyncio.run(_write(database_url, secret_key, list(zip(known, hashes, strict=True))))
    with contextlib.closing(connect(database_url)) as connection, connection.cursor() as cursor:
        for statement in (_SETTLE_MAILS, _AGE_USERS_MAILS, _AGE_USERS):
            cursor.execute(statement)


def _hash(password: str, cost: int) -> PasswordHash:
    return PasswordHash(bcrypt.hashpw(prehash(password), bcrypt.gensalt(cost)).decode())


def _like(salt: str) -> PasswordHash:
    """A hash of nobody knows what: only who shows a right password needs a real one."""
    return PasswordHash(salt + "".join(secrets.choice(_DIGITS) for _ in range(31)))


async def _write(database_url: str, secret_key: str, hashed: Sequence[tuple[Victim, PasswordHash]]) -> None:
    async with open_database(parse_database_url(database_url)) as database:
        keys = await load_keys(database, [secret_key])
        units_of_work = MySQLUnitsOfWork(
            database, keys, lambda _: None, lambda: MailStamp(TEMPLATE_VERSION, request_id=None)
        )
        left = iter(hashed)

        async def write() -> None:
            for victim, password_hash in left:
                step = partial(_register, victim.kind, password_hash, keys.current_code_key_id)
                await units_of_work(EmailAddress(victim.email), CLIENT, step)

        await asyncio.gather(*(write() for _ in range(AT_ONCE)))


async def _register(kind: Kind, password_hash: PasswordHash, code_key_id: int, work: UnitOfWork) -> None:
    """A decoy shares the salt of the user's hash, and it is the decoy's password that is known."""
    if kind is Kind.DECOY:
        await work.accounts.activate(await _put(work, _like(password_hash.salt), code_key_id))
    registration = await _put(work, password_hash, code_key_id, is_decoy=kind is Kind.DECOY)
    if kind is Kind.ACTIVE:
        await work.accounts.activate(registration)


async def _put(
    work: UnitOfWork, password_hash: PasswordHash, code_key_id: int, *, is_decoy: bool = False
) -> Registration:
    account = work.account
    registration = Registration(
        account.email, uuid.uuid4(), password_hash, is_decoy=is_decoy, registered_at=account.now
    )
    mail, _ = registration.mail_code(uuid.uuid4(), code_key_id, "en")
    await work.accounts.put_registration(registration)
    await work.mails.add(mail)
    return registration
