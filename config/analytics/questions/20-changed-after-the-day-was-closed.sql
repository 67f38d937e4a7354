-- For each of the last 14 days: how many engagements were complete at its end, at midnight, and how many of these have changed since?
-- changed_since is NULL for a day of which no engagement was complete in the tables at midnight, such as one that a backfill loaded later.
SELECT (day AT TIME ZONE 'Europe/Tallinn')::date AS day, count(*) AS engagements,
       count(*) FILTER (WHERE first_complete_at < midnight) AS complete_at_midnight,
       CASE WHEN count(*) FILTER (WHERE first_complete_at < midnight) > 0
            THEN count(*) FILTER (WHERE first_complete_at < midnight AND changed_after_first_complete_at >= midnight) END
           AS changed_since
FROM engagement_facts
CROSS JOIN LATERAL (SELECT date_trunc('day', created_at, 'Europe/Tallinn')) d (day)
CROSS JOIN LATERAL (SELECT ((day AT TIME ZONE 'Europe/Tallinn') + interval '1 day') AT TIME ZONE 'Europe/Tallinn') m (midnight)
WHERE created_at >= (date_trunc('day', now() AT TIME ZONE 'Europe/Tallinn') - interval '14 days') AT TIME ZONE 'Europe/Tallinn'
  AND created_at < date_trunc('day', now(), 'Europe/Tallinn')
GROUP BY d.day
ORDER BY d.day;
