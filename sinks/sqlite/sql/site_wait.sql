-- ?1 site, ?2 stream
SELECT CASE WHEN lease_expires_at > now() THEN lease_owner END,
       max(0, max(coalesce(next_poll_at, 0), coalesce(lease_expires_at, 0)) - now())
FROM sync_state WHERE stream = ?2 AND site_id = ?1;
