-- What became of each minute's registrations and mails, written once it is known, by whichever process is first.
-- migrate:up
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

-- migrate:down
DROP TABLE funnel;
