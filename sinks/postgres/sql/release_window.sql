-- The window is free; once, for a release may be sent again.
-- $1 backfill, $2 site, $3 window from, $4 epoch, $5 error or NULL
UPDATE backfill_windows
SET lease_owner = NULL,
    lease_expires_at = NULL,
    attempts = attempts + CASE WHEN $5::text IS NULL THEN 0 ELSE 1 END,
    last_error = coalesce($5, last_error)
WHERE backfill_id = $1::bigint AND site_id = $2 AND window_from = $3::timestamptz AND lease_epoch = $4::bigint
  AND lease_owner IS NOT NULL AND NOT done
RETURNING (extract(epoch FROM window_to) * 1000000)::bigint AS window_to,
          (extract(epoch FROM pass_started_at) * 1000000)::bigint AS started_at, pages, engagements, rejected, requests;
