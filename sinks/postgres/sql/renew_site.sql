-- $1 site, $2 epoch, $3 seconds, $4 stream
UPDATE sync_state SET lease_expires_at = now() + make_interval(secs => $3::float8)
WHERE stream = $4 AND site_id = $1 AND lease_epoch = $2::bigint AND lease_owner IS NOT NULL;
