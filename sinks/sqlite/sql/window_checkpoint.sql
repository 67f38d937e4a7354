-- ?1 backfill, ?2 site, ?3 from, ?4 epoch, ?5 started_at, ?6 next_page, ?7 pages, ?8 engagements, ?9 rejected,
-- ?10 requests, ?11 done
UPDATE backfill_windows
SET pass_started_at = ?5, pass_next_page = ?6, pages = ?7, engagements = ?8, rejected = ?9, requests = ?10, done = ?11,
    lease_owner = CASE WHEN ?11 THEN NULL ELSE lease_owner END,
    lease_expires_at = CASE WHEN ?11 THEN NULL ELSE max(lease_expires_at, now() + 30000000) END
WHERE backfill_id = ?1 AND site_id = ?2 AND window_from = ?3 AND lease_epoch = ?4 AND (lease_owner IS NOT NULL OR done);
