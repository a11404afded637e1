"""Rows that would take long to come about by themselves, written by the database server."""

import contextlib

from bench.probes import connect

BATCH = 100_000

_NUMBERS = """
    WITH RECURSIVE numbers AS (SELECT %s AS n UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < %s)
"""

_QUEUED_ACCOUNTS = """
    INSERT INTO accounts (email, kind, is_decoy, credential_id, password_hash, password_key, registered_at)
    SELECT CONCAT('queued.', n, '@example.org'), 'registration', FALSE, UNHEX(MD5(CONCAT('credential', n))),
        'no hash', 1, UTC_TIMESTAMP(6)
    FROM numbers
"""

_QUEUED_MAILS = """
    INSERT INTO mails (id, mailbox_key, client_key, email, kind, credential_id, code_key, template_version, language,
        created_at, state, due_at)
    SELECT UNHEX(MD5(CONCAT('mail', n))), UNHEX(MD5(CONCAT('mailbox', n))), UNHEX(MD5('client')),
        CONCAT('queued.', n, '@example.org'), 'activation-code', UNHEX(MD5(CONCAT('credential', n))), 1, 1, 'en',
        UTC_TIMESTAMP(6), 'queued', UTC_TIMESTAMP(6)
    FROM numbers
"""

_SETTLED_MAILS = """
    INSERT INTO mails (id, mailbox_key, client_key, email, kind, credential_id, code_key, template_version, language,
        created_at, state, attempts, provider, provider_message_id, accepted_at)
    SELECT UNHEX(MD5(CONCAT('old mail', n))), UNHEX(MD5(CONCAT('old mailbox', n))), UNHEX(MD5('client')),
        CONCAT('settled.', n, '@example.org'), 'activation-code', UNHEX(MD5(CONCAT('old credential', n))), 1, 1,
        'en', UTC_TIMESTAMP(6) - INTERVAL n SECOND, 'accepted', 1, 'mailpit', n, UTC_TIMESTAMP(6) - INTERVAL n SECOND
    FROM numbers
"""

# As after months without a purge. Five mails are of three users, one of whom asked for a second code, and of somebody who
# never activated the registration. In the order of their keys they are quicker written.
_OLD_MAILS = """
    INSERT INTO mails (id, mailbox_key, client_key, email, kind, credential_id, code_key, template_version, language,
        created_at, state, attempts, provider, provider_message_id, accepted_at)
    SELECT UNHEX(MD5(CONCAT('old mail', n))), UNHEX(MD5(CONCAT('old mailbox', n * 4 DIV 5))), UNHEX(MD5('client')),
        CONCAT('old.', n * 4 DIV 5, '@example.org'), 'activation-code', UNHEX(MD5(CONCAT('old credential', n * 4 DIV 5))),
        1, 1, 'en', UTC_TIMESTAMP(6) - INTERVAL 30 DAY - INTERVAL n SECOND, 'accepted', 1, 'mailpit', n,
        UTC_TIMESTAMP(6) - INTERVAL 30 DAY - INTERVAL n SECOND
    FROM numbers ORDER BY 1
"""

_OLD_GUARDS = """
    INSERT INTO address_guards (mailbox_key, version)
    SELECT UNHEX(MD5(CONCAT('old mailbox', n))), 2 FROM numbers ORDER BY 1
"""

_OLD_ACCOUNTS = """
    INSERT INTO accounts (email, kind, is_decoy, credential_id, password_hash, password_key, registered_at, activated_at)
    SELECT CONCAT('old.', n, '@example.org'), IF(MOD(n, 4), 'user', 'registration'), FALSE,
        UNHEX(MD5(CONCAT('old credential', n))), REPEAT('h', 88), 1,
        UTC_TIMESTAMP(6) - INTERVAL 30 DAY - INTERVAL n SECOND,
        IF(MOD(n, 4), UTC_TIMESTAMP(6) - INTERVAL 30 DAY - INTERVAL n SECOND, NULL)
    FROM numbers ORDER BY 1
"""

# Half of them are of addresses that are locked for good, and stay.
_OLD_WRONG_CODES = """
    INSERT INTO wrong_codes (address_key, id, newest_mail_id, client_key, shown_at)
    SELECT UNHEX(MD5(IF(MOD(n, 200) < 100, CONCAT('locked address', n DIV 200), CONCAT('old address', n)))),
        UNHEX(MD5(CONCAT('wrong', n))), UNHEX(MD5(CONCAT('old mail', n))), UNHEX(MD5('client')),
        UTC_TIMESTAMP(6) - INTERVAL 400 DAY - INTERVAL n SECOND
    FROM numbers ORDER BY 1
"""


# As in real life after some years: users, of whom those who came in the last week have a mail and a guard still. Keys are
# written in their order, and are spread as evenly as real ones, so that new ones come in between. @users and @mails are
# how many. A user's place in the order of registration has nothing to do with the key.
_PLACE_OF_USER = "MOD(n * 7919, @users)"
_SPREAD = "LPAD(LOWER(HEX(n * (4294967296 DIV @users))), 8, '0')"
_REGISTERED_AT = f"UTC_TIMESTAMP(6) - INTERVAL ({_PLACE_OF_USER} + 1) * 604800 / @mails SECOND"
_MAILBOX = f"UNHEX(CONCAT({_SPREAD}, LEFT(MD5(CONCAT('mailbox', n)), 24)))"

_USERS = f"""
    INSERT INTO accounts (email, kind, is_decoy, credential_id, password_hash, password_key, registered_at, activated_at)
    SELECT CONCAT({_SPREAD}, '.user.', n, '@example.org'), 'user', FALSE, UNHEX(MD5(CONCAT('credential', n))),
        REPEAT('h', 88), 1, {_REGISTERED_AT}, {_REGISTERED_AT}
    FROM numbers ORDER BY n
"""  # noqa: S608 - constants of ours, as the next two

_MAILS_OF_USERS = f"""
    INSERT INTO mails (id, mailbox_key, client_key, email, kind, credential_id, code_key, template_version, language,
        created_at, state, attempts, provider, provider_message_id, accepted_at)
    SELECT UNHEX(CONCAT({_SPREAD}, LEFT(MD5(CONCAT('mail', n)), 24))), {_MAILBOX}, UNHEX(MD5('client')),
        CONCAT({_SPREAD}, '.user.', n, '@example.org'), 'activation-code', UNHEX(MD5(CONCAT('credential', n))),
        1, 1, 'en', {_REGISTERED_AT}, 'accepted', 1, 'mailpit', n, {_REGISTERED_AT}
    FROM numbers WHERE {_PLACE_OF_USER} < @mails ORDER BY n
"""  # noqa: S608

_GUARDS_OF_USERS = f"""
    INSERT INTO address_guards (mailbox_key, version)
    SELECT {_MAILBOX}, 2 FROM numbers WHERE {_PLACE_OF_USER} < @mails ORDER BY n
"""  # noqa: S608

# One in fifty users has mistyped a code within the year.
_WRONG_CODES_OF_USERS = f"""
    INSERT INTO wrong_codes (address_key, id, newest_mail_id, client_key, shown_at)
    SELECT UNHEX(CONCAT({_SPREAD}, LEFT(MD5(CONCAT('address', n)), 24))), UNHEX(MD5(CONCAT('wrong', n))),
        UNHEX(MD5(CONCAT('mail', n))), UNHEX(MD5('client')),
        UTC_TIMESTAMP(6) - INTERVAL {_PLACE_OF_USER} * 31536000 / @users SECOND
    FROM numbers WHERE MOD(n, 50) = 0 ORDER BY n
"""  # noqa: S608

_SETTLED_MINUTES = """
    INSERT INTO funnel (minute, registered, mailed, activated, expired_unused, codes, notices, accepted, failed, dropped)
    SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%%Y-%%m-%%d %%H:%%i:00') - INTERVAL n MINUTE, 100, 100, 100, 0, 100, 0, 100, 0, 0
    FROM numbers
"""


def add_queued_mails(database_url: str, count: int) -> None:
    """Pending registrations whose mails are due now and held by nobody, as after an outage."""
    _insert(database_url, count, _QUEUED_ACCOUNTS, _QUEUED_MAILS)


def add_settled_mails(database_url: str, count: int) -> None:
    """Mails that have long been accepted, one a second until now."""
    _insert(database_url, count, _SETTLED_MAILS)


def add_old_rows(database_url: str, mails: int) -> None:
    """So many mails for a purge to remove, with guards, registrations and wrong codes, and users that stay."""
    _insert(database_url, mails, _OLD_MAILS)
    _insert(database_url, mails * 4 // 5, _OLD_GUARDS, _OLD_ACCOUNTS)
    _insert(database_url, mails // 10, _OLD_WRONG_CODES)


def add_users(database_url: str, users: int, mails: int) -> None:
    """So many users, so many of them from the last week and with what is left of their registration."""
    statements = (_USERS, _MAILS_OF_USERS, _GUARDS_OF_USERS, _WRONG_CODES_OF_USERS)
    _insert(database_url, users, *statements, users=users, mails=mails)
    with contextlib.closing(connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE accounts, mails, address_guards, wrong_codes")


def settle_funnel(database_url: str) -> None:
    """Keep the service from counting what became of a week's registrations, as if it had done so all the time."""
    _insert(database_url, 7 * 24 * 60, _SETTLED_MINUTES)


def postpone_purges(database_url: str) -> None:
    """Keep the service from purging by itself, so that only one purge is measured."""
    with contextlib.closing(connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO housekeeping (task, due_at) VALUES ('purge', '2100-01-01')")


def _insert(database_url: str, count: int, *statements: str, **variables: int) -> None:
    with contextlib.closing(connect(database_url)) as connection, connection.cursor() as cursor:
        for name, value in variables.items():
            cursor.execute(f"SET @{name} = %s", (value,))
        cursor.execute("SET max_recursive_iterations = %s", (BATCH,))
        for first in range(1, count + 1, BATCH):
            for statement in statements:
                # MariaDB wants the numbers between INSERT and SELECT.
                into, select = statement.split("SELECT", 1)
                cursor.execute(f"{into} {_NUMBERS} SELECT {select}", (first, min(first + BATCH, count + 1)))
