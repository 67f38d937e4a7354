-- ?1 site, ?2 the new watermark, ?3 stream
UPDATE sync_state
SET synced_through = ?2, pass_from = NULL, pass_to = NULL, pass_started_at = NULL, pass_next_page = NULL, pass_pages = 0,
    pass_engagements = 0, next_poll_at = now(), lease_owner = NULL, lease_expires_at = NULL, lease_epoch = lease_epoch + 1
WHERE stream = ?3 AND site_id = ?1 AND synced_through > ?2;
