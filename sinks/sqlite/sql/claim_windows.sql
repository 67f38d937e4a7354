-- ?1 backfill, ?2 owner, ?3 microseconds, ?4 sites left out, ?5 attempts, ?6 how many
UPDATE backfill_windows SET lease_owner = ?2, lease_epoch = max(lease_epoch, 0) + 1, lease_expires_at = now() + ?3
WHERE (backfill_id, site_id, window_from) IN (
    SELECT backfill_id, site_id, window_from FROM backfill_windows
    WHERE backfill_id = ?1 AND NOT done AND attempts < ?5 AND site_id NOT IN (SELECT value FROM json_each(?4))
      AND (lease_owner IS NULL OR lease_expires_at <= now())
    ORDER BY window_from, site_id LIMIT ?6)
RETURNING site_id, lease_epoch, attempts, window_from, window_to, pass_started_at, pass_next_page, pages, engagements;
