-- ?1 backfill, ?2 site, ?3 from, ?4 epoch, ?5 microseconds
UPDATE backfill_windows SET lease_expires_at = now() + ?5
WHERE backfill_id = ?1 AND site_id = ?2 AND window_from = ?3 AND lease_epoch = ?4 AND lease_owner IS NOT NULL;
