-- A listing has been written: the lease goes back, and the run is noted. Refused (no row) if the lease has passed to somebody
-- else. An epoch without an owner is one that was given back: the same again, because nobody knows whether it was committed.
-- $1 site, $2 epoch, $3 stream, $4 seconds until the next one, $5 asked for at, $6 pages, $7 records, $8 rejected, $9 requests
WITH done AS (
    UPDATE sync_state
    SET last_success_at = now(),
        lease_owner = NULL,
        lease_expires_at = NULL,
        next_poll_at = now() + make_interval(secs => $4::float8),
        failures = 0,
        failed_run_id = NULL,
        refusal = NULL,
        refusal_warned_at = NULL
    WHERE stream = $3 AND site_id = $1 AND lease_epoch = $2::bigint
    RETURNING site_id, stream
), run AS (
    INSERT INTO sync_runs (mode, site_id, window_from, started_at, pages, engagements, rejected, requests, lease_epoch, stream)
    SELECT 'listing', d.site_id, $5::timestamptz, $5::timestamptz, $6::bigint, $7::bigint, $8::bigint, $9::bigint, $2::bigint, d.stream
    FROM done d
    ON CONFLICT DO NOTHING
)
SELECT site_id FROM done;
