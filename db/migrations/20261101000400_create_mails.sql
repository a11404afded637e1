-- The outbox. A mail's id is also that of the activation code that it brings; neither code nor body is ever stored.
-- It counts towards its mailbox's limits for a day, whoever has been erased meanwhile.
-- migrate:up
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

-- migrate:down
DROP TABLE mails;
