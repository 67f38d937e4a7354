-- ?1 backfill, ?2 site, ?3 from, ?4 epoch, ?5 error
UPDATE backfill_windows
SET lease_owner = NULL, lease_expires_at = NULL, attempts = attempts + (?5 IS NOT NULL), last_error = coalesce(?5, last_error)
WHERE backfill_id = ?1 AND site_id = ?2 AND window_from = ?3 AND lease_epoch = ?4 AND lease_owner IS NOT NULL AND NOT done
RETURNING window_to, pass_started_at, pages, engagements, rejected, requests;
