-- The oldest windows that are free, of each site and then of all. By window_to, which is the same order: the primary key
-- would pass over all windows that are done. The condition on attempts is that of the index
-- backfill_windows_open: within one call of the command a window is given a second chance, at another moment, and no third.
-- $1 backfill, $2 owner, $3 seconds, $4 sites to leave out, $5 how many at most
UPDATE backfill_windows w
SET lease_owner = $2, lease_epoch = greatest(w.lease_epoch, 0) + 1, lease_expires_at = now() + make_interval(secs => $3::float8)
FROM (SELECT f.site_id, f.window_from
      FROM (SELECT unnest(b.sites) AS site_id FROM backfills b WHERE b.id = $1::bigint) s
      CROSS JOIN LATERAL (SELECT o.site_id, o.window_from
                          FROM backfill_windows o
                          WHERE o.backfill_id = $1::bigint AND o.site_id = s.site_id AND NOT o.done AND o.attempts < 2
                            AND (o.lease_owner IS NULL OR o.lease_expires_at <= now())
                          ORDER BY o.window_to
                          LIMIT $5::bigint
                          FOR UPDATE SKIP LOCKED) f
      WHERE s.site_id <> ALL ($4::text[])
      ORDER BY f.window_from, f.site_id
      LIMIT $5::bigint) AS c
WHERE w.backfill_id = $1::bigint AND w.site_id = c.site_id AND w.window_from = c.window_from
RETURNING w.site_id, w.lease_epoch, w.attempts,
          (extract(epoch FROM w.window_from) * 1000000)::bigint AS window_from,
          (extract(epoch FROM w.window_to) * 1000000)::bigint AS window_to,
          (extract(epoch FROM w.pass_started_at) * 1000000)::bigint AS pass_started_at,
          w.pass_next_page, w.pages, w.engagements,
          (SELECT max(version) FROM schema_version) AS schema_version;
