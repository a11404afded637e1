-- What a release must know to work with these tables: a row for each migration that takes something away, written by the
-- one before it. `serve` of a release that does not know it refuses to start. README.md, "Expand, then contract".
-- migrate:up
CREATE TABLE schema_requirements (
    needs VARCHAR(14) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'a migration that the release must bring',
    first_release VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the first that does, for people',
    PRIMARY KEY (needs)
) ENGINE = InnoDB;

-- migrate:down
DROP TABLE schema_requirements;
