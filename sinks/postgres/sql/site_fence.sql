-- Refused (no row) if the lease has passed to somebody else; renews it otherwise. $1 site, $2 epoch, $3 stream
UPDATE sync_state
SET lease_expires_at = greatest(lease_expires_at, now() + interval '30 seconds')
WHERE stream = $3 AND site_id = $1 AND lease_epoch = $2::bigint AND lease_owner IS NOT NULL;
