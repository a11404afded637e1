-- Wrong codes by address, in keyed form: they outlive registrations, users and erasure for as long as they count.
-- migrate:up
CREATE TABLE wrong_codes (
    address_key BINARY(16) NOT NULL COMMENT 'keyed digest of the address',
    id BINARY(16) NOT NULL COMMENT 'of the attempt, so that it is counted once',
    newest_mail_id BINARY(16) NOT NULL COMMENT 'the newest code of the address when it was shown',
    client_key BINARY(16) NOT NULL,
    shown_at DATETIME(6) NOT NULL,
    PRIMARY KEY (address_key, id),
    KEY retention (shown_at)
) ENGINE = InnoDB;

-- migrate:down
DROP TABLE wrong_codes;
