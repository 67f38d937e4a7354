-- ?1 site, ?2 epoch, ?3 from, ?4 to, ?5 started_at, ?6 next_page, ?7 pages, ?8 engagements, ?9 stream
UPDATE sync_state
SET pass_from = ?3, pass_to = ?4, pass_started_at = ?5, pass_next_page = ?6, pass_pages = ?7, pass_engagements = ?8,
    lease_expires_at = max(lease_expires_at, now() + 30000000)
WHERE stream = ?9 AND site_id = ?1 AND lease_epoch = ?2 AND lease_owner IS NOT NULL;
