-- The site is free; once, for a release may be sent again. $1 site, $2 epoch, $3 seconds until the next poll, $4 error or NULL, $5 stream
UPDATE sync_state
SET lease_owner = NULL,
    lease_expires_at = NULL,
    next_poll_at = now() + make_interval(secs => $3::float8),
    failures = CASE WHEN $4::text IS NULL THEN 0 ELSE failures + 1 END,
    last_error = coalesce($4, last_error),
    last_error_at = CASE WHEN $4 IS NULL THEN last_error_at ELSE now() END
WHERE stream = $5 AND site_id = $1 AND lease_epoch = $2::bigint AND lease_owner IS NOT NULL
RETURNING failed_run_id;
