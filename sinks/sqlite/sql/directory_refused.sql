-- ?1 site, ?2 epoch, ?3 stream, ?4 microseconds until it is asked for again, ?5 error, ?6 true: a warning is given
UPDATE sync_state
SET lease_owner = NULL, lease_expires_at = NULL, next_poll_at = now() + ?4, failures = 0, refusal = ?5,
    refusal_warned_at = CASE WHEN ?6 THEN now() ELSE refusal_warned_at END
WHERE stream = ?3 AND site_id = ?1 AND lease_epoch = ?2 AND lease_owner IS NOT NULL;
