-- What are the busiest hours of the week, by the local time of each site?
SELECT to_char(created_at_local, 'ID HH24') AS weekday_hour, count(*) AS engagements
FROM engagement_facts
WHERE created_at >= now() - interval '30 days' AND created_at < now()
GROUP BY weekday_hour
ORDER BY engagements DESC, weekday_hour
LIMIT 5;
