-- What do the figures of the last year no longer contain: engagements that the source does not have any more, and erasures?
SELECT to_char(removed_at AT TIME ZONE 'Europe/Tallinn', 'YYYY-MM') AS month, kind, count(*) AS removed
FROM removals
WHERE removed_at >= now() - interval '1 year' AND removed_at <= now()
GROUP BY month, kind
ORDER BY month, kind;
