-- The oldest windows that are free. $1 backfill, $2 owner, $3 seconds, $4 sites to leave out, $5 attempts at most,
-- $6 how many at most
UPDATE backfill_windows w
SET lease_owner = $2, lease_epoch = w.lease_epoch + 1, lease_expires_at = now() + make_interval(secs => $3::float8)
FROM (SELECT backfill_id, site_id, window_from
      FROM backfill_windows
      WHERE backfill_id = $1::bigint AND NOT done AND attempts < $5::int AND site_id <> ALL ($4::text[])
        AND (lease_owner IS NULL OR lease_expires_at <= now())
      ORDER BY window_from, site_id
      LIMIT $6::bigint
      FOR UPDATE SKIP LOCKED) AS c
WHERE w.backfill_id = c.backfill_id AND w.site_id = c.site_id AND w.window_from = c.window_from
RETURNING w.site_id, w.lease_epoch, w.attempts,
          (extract(epoch FROM w.window_from) * 1000000)::bigint AS window_from,
          (extract(epoch FROM w.window_to) * 1000000)::bigint AS window_to,
          (extract(epoch FROM w.pass_started_at) * 1000000)::bigint AS pass_started_at,
          w.pass_next_page, w.pages, w.engagements,
          (SELECT max(version) FROM schema_version) AS schema_version;
