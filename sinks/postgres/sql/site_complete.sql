-- The pass has reached its end, so the watermark moves; refused (no row) if the lease has passed to somebody else.
-- If nothing else is due, the lease goes back as well. An epoch without an owner is one that was given back: the same
-- again, because nobody knows whether it was committed; it adds no second run.
-- A watermark in the future was written by a wrong clock, and is replaced.
-- $1 site, $2 epoch, $3 the new watermark; of the pass: $4 from, $5 to, $6 started at, $7 pages, $8 engagements, $9 rejected,
-- $10 requests, $11 seconds until the next poll or NULL: the lease is kept, $12 stream
WITH moved AS (
    UPDATE sync_state
    SET synced_through = CASE WHEN synced_through > now() + interval '1 minute' THEN $3::timestamptz
                              ELSE greatest(synced_through, $3::timestamptz) END,
        pass_from = NULL,
        pass_to = NULL,
        pass_started_at = NULL,
        pass_next_page = NULL,
        pass_pages = 0,
        pass_engagements = 0,
        last_success_at = now(),
        lease_owner = CASE WHEN $11::float8 IS NULL THEN lease_owner END,
        lease_expires_at = CASE WHEN $11::float8 IS NULL THEN greatest(lease_expires_at, now() + interval '30 seconds') END,
        next_poll_at = CASE WHEN $11::float8 IS NULL THEN next_poll_at ELSE now() + make_interval(secs => $11::float8) END,
        failures = CASE WHEN $11::float8 IS NULL THEN failures ELSE 0 END,
        failed_run_id = NULL
    WHERE stream = $12 AND site_id = $1 AND lease_epoch = $2::bigint AND (lease_owner IS NOT NULL OR $11::float8 IS NOT NULL)
    RETURNING site_id, stream
), run AS (
    INSERT INTO sync_runs (mode, site_id, window_from, window_to, started_at, pages, engagements, rejected, requests, lease_epoch, stream)
    SELECT 'incremental', m.site_id, $4::timestamptz, $5::timestamptz, $6::timestamptz, $7::bigint, $8::bigint, $9::bigint,
           $10::bigint, $2::bigint, m.stream
    FROM moved m
    ON CONFLICT DO NOTHING
)
SELECT site_id FROM moved;
