INSERT INTO backfills (window_from, window_to, to_is_open, window_seconds, sites, started_at)
VALUES (?1, ?2, ?3, ?4, ?5, now()) RETURNING id;
