-- ?1 site, ?2 epoch, ?3 microseconds until the next poll, ?4 error, ?5 stream
UPDATE sync_state
SET lease_owner = NULL, lease_expires_at = NULL, next_poll_at = now() + ?3,
    failures = CASE WHEN ?4 IS NULL THEN 0 ELSE failures + 1 END,
    last_error = coalesce(?4, last_error),
    last_error_at = CASE WHEN ?4 IS NULL THEN last_error_at ELSE now() END
WHERE stream = ?5 AND site_id = ?1 AND lease_epoch = ?2 AND lease_owner IS NOT NULL;
