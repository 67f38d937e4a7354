-- ?1 site, ?2 owner, ?3 microseconds, ?4 also if it is not due, ?5 stream
UPDATE sync_state
SET lease_owner = ?2, lease_epoch = max(lease_epoch, 0) + 1, lease_expires_at = now() + ?3
WHERE stream = ?5 AND site_id = ?1 AND (lease_owner IS NULL OR lease_owner = ?2 OR lease_expires_at <= now())
  AND (?4 OR next_poll_at IS NULL OR next_poll_at <= now())
RETURNING lease_epoch, failures, synced_through, pass_from, pass_to, pass_started_at, pass_next_page, pass_pages,
          pass_engagements;
