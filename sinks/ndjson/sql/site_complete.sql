-- ?1 site, ?2 epoch, ?3 watermark
UPDATE sync_state
SET synced_through = max(coalesce(synced_through, ?3), ?3), pass_from = NULL, pass_to = NULL, pass_started_at = NULL,
    pass_next_page = NULL, pass_pages = 0, pass_engagements = 0, last_success_at = now(),
    lease_expires_at = max(lease_expires_at, now() + 30000000)
WHERE site_id = ?1 AND lease_epoch = ?2 AND lease_owner IS NOT NULL;
