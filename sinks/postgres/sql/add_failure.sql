-- $1 mode, $2 site, $3 backfill or NULL; of the pass: $4 from, $5 to, $6 started at, $7 pages, $8 engagements, $9 rejected,
-- $10 requests; $11 error, $12 epoch of the lease, $13 stream
INSERT INTO sync_runs (mode, site_id, backfill_id, window_from, window_to, started_at, pages, engagements, rejected, requests,
                       error, lease_epoch, stream)
VALUES ($1, $2, $3::bigint, $4::timestamptz, $5::timestamptz, $6::timestamptz, $7::bigint, $8::bigint, $9::bigint, $10::bigint,
        $11, $12::bigint, $13)
RETURNING id;
