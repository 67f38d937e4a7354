-- How many engagements were there each day of the last week, and how did they begin?
SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS engagements,
       count(*) FILTER (WHERE engagement_type = 'reactive') AS reactive,
       count(*) FILTER (WHERE engagement_type = 'proactive') AS proactive
FROM engagement_facts
WHERE created_at >= now() - interval '7 days'
GROUP BY day
ORDER BY day;
