-- One row a mailbox, changed first by every transaction on its addresses: what makes them wait for each other on one
-- server, and fail certification on a cluster. It says nothing and may be deleted whenever no transaction holds it.
-- migrate:up
CREATE TABLE address_guards (
    mailbox_key BINARY(16) NOT NULL COMMENT 'keyed digest of the address without its +tag',
    version BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (mailbox_key)
) ENGINE = InnoDB;

-- migrate:down
DROP TABLE address_guards;
