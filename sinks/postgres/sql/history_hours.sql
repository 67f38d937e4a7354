-- Engagements by site and hour; what bears a time in the future counts as now.
-- $1 hours back
SELECT s.site_id, h.hours_ago, count(*) AS engagements
FROM engagements e
JOIN engagement_sites s ON s.engagement_id = e.id
CROSS JOIN LATERAL (SELECT greatest(0, floor(extract(epoch FROM now() - e.created_at) / 3600))::int AS hours_ago) h
WHERE e.created_at > now() - make_interval(hours => $1::int)
GROUP BY s.site_id, h.hours_ago;
