-- Version 2: state is kept by stream and site (version 8 of the PostgreSQL schema). What is there belongs to the engagements.

ALTER TABLE sync_state RENAME TO sync_state_1;
CREATE TABLE sync_state (
    stream           TEXT NOT NULL DEFAULT 'engagements',
    site_id          TEXT NOT NULL,
    synced_through   INTEGER,
    pass_from        INTEGER,
    pass_to          INTEGER,
    pass_started_at  INTEGER,
    pass_next_page   TEXT,
    pass_pages       INTEGER NOT NULL DEFAULT 0,
    pass_engagements INTEGER NOT NULL DEFAULT 0,
    last_success_at  INTEGER,
    last_error       TEXT,
    last_error_at    INTEGER,
    failures         INTEGER NOT NULL DEFAULT 0,
    next_poll_at     INTEGER,
    lease_owner      TEXT,
    lease_epoch      INTEGER NOT NULL DEFAULT 0,
    lease_expires_at INTEGER,
    PRIMARY KEY (stream, site_id)
) WITHOUT ROWID;
INSERT INTO sync_state (site_id, synced_through, pass_from, pass_to, pass_started_at, pass_next_page, pass_pages,
                        pass_engagements, last_success_at, last_error, last_error_at, failures, next_poll_at, lease_owner,
                        lease_epoch, lease_expires_at)
SELECT site_id, synced_through, pass_from, pass_to, pass_started_at, pass_next_page, pass_pages, pass_engagements,
       last_success_at, last_error, last_error_at, failures, next_poll_at, lease_owner, lease_epoch, lease_expires_at
FROM sync_state_1;
DROP TABLE sync_state_1;

ALTER TABLE revisit_state RENAME TO revisit_state_1;
CREATE TABLE revisit_state (
    stream          TEXT NOT NULL DEFAULT 'engagements',
    site_id         TEXT NOT NULL,
    back_seconds    INTEGER NOT NULL,
    last_started_at INTEGER NOT NULL,
    PRIMARY KEY (stream, site_id, back_seconds)
) WITHOUT ROWID;
INSERT INTO revisit_state (site_id, back_seconds, last_started_at)
SELECT site_id, back_seconds, last_started_at FROM revisit_state_1;
DROP TABLE revisit_state_1;

ALTER TABLE sync_runs ADD COLUMN stream TEXT NOT NULL DEFAULT 'engagements';
