-- ?1 site, ?2 stream
SELECT back_seconds, max(0, (now() - last_started_at) / 1000000) FROM revisit_state WHERE stream = ?2 AND site_id = ?1;
