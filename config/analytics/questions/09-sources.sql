-- Where do engagements come from, and which sources have the longest handle times?
SELECT coalesce(nullif(source, ''), 'unknown') AS came_by, count(*) AS engagements, round(avg(handle_seconds)) AS aht
FROM engagement_facts
WHERE created_at >= now() - interval '30 days'
GROUP BY came_by
ORDER BY aht DESC NULLS LAST, came_by
LIMIT 5;
