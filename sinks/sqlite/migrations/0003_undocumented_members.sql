-- Version 3: what the API sends beyond its documentation (version 9 of the PostgreSQL schema).

CREATE TABLE undocumented_members (
    path          TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    example       TEXT,
    example_of    TEXT,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    times_seen    INTEGER NOT NULL
) WITHOUT ROWID;
