-- $1 backfill
SELECT count(*) AS total,
       count(*) FILTER (WHERE done) AS done,
       count(*) FILTER (WHERE NOT done AND lease_owner IS NOT NULL) AS leased,
       coalesce(sum(engagements), 0)::bigint AS engagements,
       coalesce(sum(pages), 0)::bigint AS pages,
       (SELECT last_error FROM backfill_windows
        WHERE backfill_id = $1::bigint AND NOT done AND attempts > 0 ORDER BY window_from LIMIT 1) AS error
FROM backfill_windows
WHERE backfill_id = $1::bigint;
