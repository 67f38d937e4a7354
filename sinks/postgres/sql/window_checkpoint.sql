-- A backfill window moves on or is done; refused (no row) if its lease has passed to somebody else.
-- $1 backfill, $2 site, $3 window from, $4 epoch, $5 started at, $6 next page, $7 pages, $8 engagements, $9 rejected,
-- $10 requests, $11 done
UPDATE backfill_windows
SET pass_started_at = $5::timestamptz,
    pass_next_page = $6,
    pages = $7::bigint,
    engagements = $8::bigint,
    rejected = $9::bigint,
    requests = $10::bigint,
    done = $11::boolean,
    finished_at = CASE WHEN $11::boolean THEN now() END,
    lease_owner = CASE WHEN $11::boolean THEN NULL ELSE lease_owner END,
    lease_expires_at = CASE WHEN $11::boolean THEN NULL ELSE greatest(lease_expires_at, now() + interval '30 seconds') END
WHERE backfill_id = $1::bigint AND site_id = $2 AND window_from = $3::timestamptz AND lease_epoch = $4::bigint
  AND (lease_owner IS NOT NULL OR done);
