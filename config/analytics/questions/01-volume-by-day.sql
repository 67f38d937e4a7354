-- How many engagements were there on each of the last seven whole days, and how did they begin?
SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS engagements,
       count(*) FILTER (WHERE engagement_type = 'reactive') AS reactive,
       count(*) FILTER (WHERE engagement_type = 'proactive') AS proactive,
       count(*) FILTER (WHERE engagement_type IN ('reactive', 'proactive') IS NOT TRUE) AS other_types
FROM engagement_facts
WHERE created_at >= date_trunc('day', now(), 'UTC') - interval '7 days' AND created_at < date_trunc('day', now(), 'UTC')
GROUP BY day
ORDER BY day;
