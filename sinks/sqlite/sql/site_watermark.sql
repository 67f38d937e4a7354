-- ?1 site, ?2 stream
SELECT synced_through FROM sync_state WHERE stream = ?2 AND site_id = ?1;
