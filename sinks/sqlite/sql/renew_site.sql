-- ?1 site, ?2 epoch, ?3 microseconds, ?4 stream
UPDATE sync_state SET lease_expires_at = now() + ?3 WHERE stream = ?4 AND site_id = ?1 AND lease_epoch = ?2 AND lease_owner IS NOT NULL;
