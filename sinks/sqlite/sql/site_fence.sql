-- ?1 site, ?2 epoch, ?3 stream
UPDATE sync_state SET lease_expires_at = max(lease_expires_at, now() + 30000000)
WHERE stream = ?3 AND site_id = ?1 AND lease_epoch = ?2 AND lease_owner IS NOT NULL;
