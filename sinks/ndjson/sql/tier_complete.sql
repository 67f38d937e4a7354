INSERT INTO revisit_state (site_id, back_seconds, last_started_at) VALUES (?1, ?2, now())
ON CONFLICT (site_id, back_seconds) DO UPDATE SET last_started_at = excluded.last_started_at;
