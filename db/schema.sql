-- The tables as they are when every migration has run. For people to read; nothing is ever made from it.
-- A test compares it with a migrated database (tests/integration/test_schema.py); db/README.md says how to change it.
-- dbmate's own table `schema_migrations`, the list of what has run, is left out.
--
-- All times are UTC, all identifiers random, all keys ending in _key keyed digests or generations of data keys.
-- Every hot statement names an address or its digest.

-- Random keys, one purpose each, wrapped (AES-256-GCM) under REGISTRATION_SECRET_KEY.
CREATE TABLE data_keys (
    purpose VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    generation SMALLINT UNSIGNED NOT NULL,
    wrapped_key VARBINARY(128) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (purpose, generation)
) ENGINE = InnoDB;

-- One row a mailbox, changed first by every transaction on its addresses: what makes them wait for each other on one
-- server, and fail certification on a cluster. It says nothing and may be deleted whenever no transaction holds it.
CREATE TABLE address_guards (
    mailbox_key BINARY(16) NOT NULL COMMENT 'keyed digest of the address without its +tag',
    version BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (mailbox_key)
) ENGINE = InnoDB;

-- At most one registration (pending, or a decoy beside a user) and at most one active user an address. Activation
-- turns the one row into the other.
CREATE TABLE accounts (
    email VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    kind ENUM('registration', 'user') NOT NULL,
    is_decoy BOOLEAN NOT NULL,
    credential_id BINARY(16) NOT NULL COMMENT 'changes with every password',
    password_hash VARBINARY(128) NOT NULL COMMENT 'bcrypt, sealed (AES-256-GCM) with the data key',
    password_key SMALLINT UNSIGNED NOT NULL COMMENT 'generation of the data key',
    registered_at DATETIME(6) NOT NULL,
    activated_at DATETIME(6) NULL,
    PRIMARY KEY (email, kind),
    KEY retention (kind, registered_at)
) ENGINE = InnoDB;

-- The outbox. A mail's id is also that of the activation code that it brings; neither code nor body is ever stored.
-- It counts towards its mailbox's limits for a day, whoever has been erased meanwhile.
CREATE TABLE mails (
    id BINARY(16) NOT NULL,
    mailbox_key BINARY(16) NOT NULL,
    client_key BINARY(16) NOT NULL COMMENT 'keyed digest of the client that caused it',
    email VARCHAR(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'NULL once erased',
    kind ENUM('activation-code', 'address-taken') NOT NULL,
    credential_id BINARY(16) NOT NULL,
    code_key SMALLINT UNSIGNED NOT NULL COMMENT 'generation of the data key',
    is_void BOOLEAN NOT NULL DEFAULT FALSE COMMENT 'its code does not work',
    template_version SMALLINT UNSIGNED NOT NULL,
    language VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'RFC 5646',
    request_id VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NULL,
    trace_parent VARCHAR(55) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'W3C Trace Context',
    created_at DATETIME(6) NOT NULL,
    state ENUM('queued', 'accepted', 'failed', 'dropped') NOT NULL,
    due_at DATETIME(6) NULL COMMENT 'next attempt, or end of the lease; NULL once settled',
    lease BINARY(16) NULL COMMENT 'who holds it',
    attempts SMALLINT UNSIGNED NOT NULL DEFAULT 0,
    maybe_sent BOOLEAN NOT NULL DEFAULT FALSE COMMENT 'the fate of an attempt is unknown',
    provider VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
    provider_message_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    accepted_at DATETIME(6) NULL,
    reason VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'why the last attempt failed',
    PRIMARY KEY (id),
    KEY mailbox (mailbox_key, created_at),
    KEY due (due_at, created_at),
    KEY retention (created_at)
) ENGINE = InnoDB;

-- Wrong codes by address, in keyed form: they outlive registrations, users and erasure for as long as they count.
CREATE TABLE wrong_codes (
    address_key BINARY(16) NOT NULL COMMENT 'keyed digest of the address',
    id BINARY(16) NOT NULL COMMENT 'of the attempt, so that it is counted once',
    newest_mail_id BINARY(16) NOT NULL COMMENT 'the newest code of the address when it was shown',
    client_key BINARY(16) NOT NULL,
    shown_at DATETIME(6) NOT NULL,
    PRIMARY KEY (address_key, id),
    KEY retention (shown_at)
) ENGINE = InnoDB;

-- When a task that replicas take turns at is due next. Who moves a time that has come has the turn.
CREATE TABLE housekeeping (
    task VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    due_at DATETIME(6) NOT NULL,
    PRIMARY KEY (task)
) ENGINE = InnoDB;

-- What became of each minute's registrations and mails, written once it is known, by whichever process is first.
CREATE TABLE funnel (
    minute DATETIME NOT NULL,
    registered INT UNSIGNED NOT NULL COMMENT 'registrations made in this minute',
    mailed INT UNSIGNED NOT NULL COMMENT 'of these: a provider took a mail with a code',
    activated INT UNSIGNED NOT NULL COMMENT 'of these: became a user',
    expired_unused INT UNSIGNED NOT NULL COMMENT 'of these: still pending when the first code could work no more',
    codes INT UNSIGNED NOT NULL COMMENT 'mails with a code made in this minute',
    notices INT UNSIGNED NOT NULL COMMENT 'mails to owners of taken addresses made in this minute',
    accepted INT UNSIGNED NOT NULL COMMENT 'of the mails, as the next two',
    failed INT UNSIGNED NOT NULL,
    dropped INT UNSIGNED NOT NULL,
    PRIMARY KEY (minute)
) ENGINE = InnoDB;

-- What a release must know to work with these tables: a row for each migration that takes something away, written by the
-- one before it. `serve` of a release that does not know it refuses to start. README.md, "Expand, then contract".
CREATE TABLE schema_requirements (
    needs VARCHAR(14) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'a migration that the release must bring',
    first_release VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the first that does, for people',
    PRIMARY KEY (needs)
) ENGINE = InnoDB;
