-- The pass has reached its end, so the watermark moves; refused (no row) if the lease has passed to somebody else.
-- $1 site, $2 epoch, $3 the new watermark; of the pass: $4 from, $5 to, $6 started at, $7 pages, $8 engagements, $9 rejected,
-- $10 requests
WITH moved AS (
    UPDATE sync_state
    SET synced_through = greatest(synced_through, $3::timestamptz),
        pass_from = NULL,
        pass_to = NULL,
        pass_started_at = NULL,
        pass_next_page = NULL,
        pass_pages = 0,
        pass_engagements = 0,
        last_success_at = now(),
        lease_expires_at = greatest(lease_expires_at, now() + interval '30 seconds')
    WHERE site_id = $1 AND lease_epoch = $2::bigint AND lease_owner IS NOT NULL
    RETURNING site_id
)
INSERT INTO sync_runs (mode, site_id, window_from, window_to, started_at, pages, engagements, rejected, requests)
SELECT 'incremental', m.site_id, $4::timestamptz, $5::timestamptz, $6::timestamptz, $7::bigint, $8::bigint, $9::bigint, $10::bigint
FROM moved m;
