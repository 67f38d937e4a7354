-- Version 1: what the program keeps beside the lines that it has written. Times are microseconds since 1970, hashes
-- hexadecimal, lists JSON.

CREATE TABLE engagements (
    id              TEXT PRIMARY KEY,
    created_at      INTEGER NOT NULL,
    core_hash       TEXT NOT NULL,
    list_hash       TEXT,
    legs_hash       TEXT,
    fetched_at      INTEGER NOT NULL,
    legs_fetched_at INTEGER,
    site_ids        TEXT NOT NULL,
    owed            INTEGER NOT NULL DEFAULT 0,
    visitor_mark    TEXT
) WITHOUT ROWID;

CREATE TABLE forgotten (
    kind TEXT NOT NULL,
    mark TEXT NOT NULL,
    PRIMARY KEY (kind, mark)
) WITHOUT ROWID;

CREATE TABLE output (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    name     TEXT,
    length   INTEGER NOT NULL DEFAULT 0,
    begun_at INTEGER,
    sequence INTEGER NOT NULL DEFAULT 0
);
INSERT INTO output (one) VALUES (1);

CREATE TABLE sync_state (
    site_id          TEXT PRIMARY KEY,
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
    lease_expires_at INTEGER
) WITHOUT ROWID;

CREATE TABLE revisit_state (
    site_id         TEXT NOT NULL,
    back_seconds    INTEGER NOT NULL,
    last_started_at INTEGER NOT NULL,
    PRIMARY KEY (site_id, back_seconds)
) WITHOUT ROWID;

CREATE TABLE sync_runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    mode        TEXT NOT NULL,
    site_id     TEXT,
    window_from INTEGER,
    window_to   INTEGER,
    started_at  INTEGER,
    finished_at INTEGER NOT NULL,
    pages       INTEGER NOT NULL,
    engagements INTEGER NOT NULL,
    rejected    INTEGER NOT NULL,
    requests    INTEGER NOT NULL,
    error       TEXT
);

CREATE TABLE backfills (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    window_from     INTEGER NOT NULL,
    window_to       INTEGER NOT NULL,
    to_is_open      INTEGER NOT NULL,
    window_seconds  INTEGER NOT NULL,
    sites           TEXT NOT NULL,
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    seconds_left    INTEGER,
    seconds_left_at INTEGER
);

CREATE TABLE backfill_windows (
    backfill_id      INTEGER NOT NULL,
    site_id          TEXT NOT NULL,
    window_from      INTEGER NOT NULL,
    window_to        INTEGER NOT NULL,
    done             INTEGER NOT NULL DEFAULT 0,
    pass_started_at  INTEGER,
    pass_next_page   TEXT,
    pages            INTEGER NOT NULL DEFAULT 0,
    engagements      INTEGER NOT NULL DEFAULT 0,
    rejected         INTEGER NOT NULL DEFAULT 0,
    requests         INTEGER NOT NULL DEFAULT 0,
    attempts         INTEGER NOT NULL DEFAULT 0,
    last_error       TEXT,
    lease_owner      TEXT,
    lease_epoch      INTEGER NOT NULL DEFAULT 0,
    lease_expires_at INTEGER,
    PRIMARY KEY (backfill_id, site_id, window_from)
) WITHOUT ROWID;
CREATE INDEX backfill_windows_open ON backfill_windows (backfill_id, window_from, site_id) WHERE NOT done;

CREATE TABLE detail_queue (
    engagement_id   TEXT PRIMARY KEY,
    created_at      INTEGER NOT NULL,
    wanted_after    INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    last_error      TEXT,
    parked          INTEGER NOT NULL DEFAULT 0,
    claimed_by      TEXT,
    claimed_until   INTEGER
) WITHOUT ROWID;
CREATE INDEX detail_queue_newest_first ON detail_queue (created_at DESC);

CREATE TABLE ongoing_engagements (
    engagement_id TEXT PRIMARY KEY,
    created_at    INTEGER NOT NULL,
    next_fetch_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE rejected_records (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    site_id       TEXT,
    engagement_id TEXT,
    source        TEXT NOT NULL,
    reason        TEXT NOT NULL,
    payload       TEXT NOT NULL,
    payload_hash  TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    times_seen    INTEGER NOT NULL DEFAULT 1,
    resolved_at   INTEGER
);
CREATE UNIQUE INDEX rejected_records_same ON rejected_records (payload_hash, source, coalesce(site_id, ''));
CREATE INDEX rejected_records_open ON rejected_records (engagement_id) WHERE resolved_at IS NULL;

CREATE TABLE server_clocks (
    machine            TEXT PRIMARY KEY,
    ahead_microseconds INTEGER NOT NULL
) WITHOUT ROWID;
