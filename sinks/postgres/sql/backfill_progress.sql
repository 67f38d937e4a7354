-- A lease that ran out a minute ago is nobody's: a program that does not claim the window, because its site refuses it,
-- would wait for ever for one that is dead. Until then a transaction that holds its row may still be ended (end_stuck).
-- $1 backfill
SELECT count(*) AS total,
       count(*) FILTER (WHERE done) AS done,
       count(*) FILTER (WHERE NOT done AND lease_owner IS NOT NULL AND lease_expires_at > now() - interval '1 minute') AS leased,
       coalesce(sum(engagements), 0)::bigint AS engagements,
       coalesce(sum(pages), 0)::bigint AS pages,
       (SELECT last_error FROM backfill_windows
        WHERE backfill_id = $1::bigint AND NOT done AND attempts > 0 ORDER BY window_from LIMIT 1) AS error
FROM backfill_windows
WHERE backfill_id = $1::bigint;
