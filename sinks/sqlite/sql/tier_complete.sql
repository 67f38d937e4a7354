-- ?1 site, ?2 seconds back, ?3 microseconds since it began, ?4 stream
INSERT INTO revisit_state (site_id, back_seconds, last_started_at, stream) VALUES (?1, ?2, now() - ?3, ?4)
ON CONFLICT (stream, site_id, back_seconds) DO UPDATE SET last_started_at = excluded.last_started_at;
