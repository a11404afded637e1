-- When a task that replicas take turns at is due next. Who moves a time that has come has the turn.
-- migrate:up
CREATE TABLE housekeeping (
    task VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    due_at DATETIME(6) NOT NULL,
    PRIMARY KEY (task)
) ENGINE = InnoDB;

-- migrate:down
DROP TABLE housekeeping;
