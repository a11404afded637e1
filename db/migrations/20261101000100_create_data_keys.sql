-- Random keys, one purpose each, wrapped (AES-256-GCM) under REGISTRATION_SECRET_KEY.
-- migrate:up
CREATE TABLE data_keys (
    purpose VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    generation SMALLINT UNSIGNED NOT NULL,
    wrapped_key VARBINARY(128) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (purpose, generation)
) ENGINE = InnoDB;

-- migrate:down
DROP TABLE data_keys;
