-- At most one registration (pending, or a decoy beside a user) and at most one active user an address. Activation
-- turns the one row into the other.
-- migrate:up
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

-- migrate:down
DROP TABLE accounts;
