-- The API refuses a listing: the lease goes back. `warn`: the last warning of this stream, of any site, is long enough ago.
-- $1 site, $2 epoch, $3 stream, $4 seconds until it is asked for again, $5 error, $6 seconds between two warnings
UPDATE sync_state s
SET lease_owner = NULL,
    lease_expires_at = NULL,
    next_poll_at = now() + make_interval(secs => $4::float8),
    failures = 0,
    refusal = $5,
    refusal_warned_at = CASE WHEN last.warn THEN last.now ELSE s.refusal_warned_at END
FROM (SELECT coalesce(max(refusal_warned_at) <= now() - make_interval(secs => $6::float8), true) AS warn, now() AS now
      FROM sync_state WHERE stream = $3) last
WHERE s.stream = $3 AND s.site_id = $1 AND s.lease_epoch = $2::bigint AND s.lease_owner IS NOT NULL
RETURNING last.warn;
