-- A revisit has been read to its end; so have the tiers that reach less far back. $1 site, $2 seconds back of each; of the
-- pass: $3 from, $4 to, $5 started at, $6 pages, $7 engagements, $8 rejected, $9 requests; $10 seconds since it began, $11 epoch
-- of the lease, $12 stream. The same again, because nobody knows whether it was committed, adds no second run.
WITH tiers AS (
    INSERT INTO revisit_state AS r (stream, site_id, back_seconds, last_started_at)
    SELECT $12, $1, i.back, now() - make_interval(secs => $10::float8) FROM unnest($2::bigint[]) AS i (back) ORDER BY i.back
    ON CONFLICT (stream, site_id, back_seconds) DO UPDATE SET last_started_at = excluded.last_started_at
)
INSERT INTO sync_runs (mode, site_id, window_from, window_to, started_at, pages, engagements, rejected, requests, lease_epoch, stream)
VALUES ('revisit', $1, $3::timestamptz, $4::timestamptz, $5::timestamptz, $6::bigint, $7::bigint, $8::bigint, $9::bigint,
        $11::bigint, $12)
ON CONFLICT DO NOTHING;
