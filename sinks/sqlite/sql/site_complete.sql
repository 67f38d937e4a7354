-- A watermark in the future was written by a wrong clock, and is replaced.
-- ?1 site, ?2 epoch, ?3 watermark, ?4 microseconds until the next poll, or NULL: the lease is kept, ?5 stream
UPDATE sync_state
SET synced_through = CASE WHEN synced_through > now() + 60000000 THEN ?3 ELSE max(coalesce(synced_through, ?3), ?3) END, pass_from = NULL, pass_to = NULL, pass_started_at = NULL,
    pass_next_page = NULL, pass_pages = 0, pass_engagements = 0, last_success_at = now(),
    lease_owner = CASE WHEN ?4 IS NULL THEN lease_owner END,
    lease_expires_at = CASE WHEN ?4 IS NULL THEN max(lease_expires_at, now() + 30000000) END,
    next_poll_at = CASE WHEN ?4 IS NULL THEN next_poll_at ELSE now() + ?4 END,
    failures = CASE WHEN ?4 IS NULL THEN failures ELSE 0 END
WHERE stream = ?5 AND site_id = ?1 AND lease_epoch = ?2 AND (lease_owner IS NOT NULL OR ?4 IS NOT NULL);
