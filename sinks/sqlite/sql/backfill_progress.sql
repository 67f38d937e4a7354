-- ?1 backfill. A lease that ran out a minute ago is nobody's.
SELECT count(*), count(*) FILTER (WHERE done),
       count(*) FILTER (WHERE NOT done AND lease_owner IS NOT NULL AND lease_expires_at > now() - 60000000),
       coalesce(sum(engagements), 0), coalesce(sum(pages), 0),
       (SELECT last_error FROM backfill_windows
        WHERE backfill_id = ?1 AND NOT done AND attempts > 0 ORDER BY window_from LIMIT 1)
FROM backfill_windows WHERE backfill_id = ?1;
