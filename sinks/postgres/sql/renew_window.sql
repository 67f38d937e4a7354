-- $1 backfill, $2 site, $3 window from, $4 epoch, $5 seconds
UPDATE backfill_windows SET lease_expires_at = now() + make_interval(secs => $5::float8)
WHERE backfill_id = $1::bigint AND site_id = $2 AND window_from = $3::timestamptz AND lease_epoch = $4::bigint
  AND lease_owner IS NOT NULL;
