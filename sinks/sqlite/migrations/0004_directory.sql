-- Version 4: which operators, sites and queues have been written, as their listings had them.

CREATE TABLE directory_entries (
    stream       TEXT NOT NULL,
    site_id      TEXT NOT NULL,
    id           TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    missing      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, site_id, id)
) WITHOUT ROWID;
ALTER TABLE sync_state ADD COLUMN refusal TEXT;
ALTER TABLE sync_state ADD COLUMN refusal_warned_at INTEGER;
