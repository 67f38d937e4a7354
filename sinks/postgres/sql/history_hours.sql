-- Engagements by site and hour; what bears a time in the future counts as now. By the index on (first_site_id, created_at).
-- $1 hours back, $2 the sites that listed engagements first
SELECT s.site_id,
       greatest(0, floor((extract(epoch FROM now()) - extract(epoch FROM e.created_at)) / 3600))::int AS hours_ago,
       count(*) AS engagements
FROM engagements e
JOIN engagement_sites s ON s.engagement_id = e.id
WHERE e.first_site_id = ANY ($2::text[]) AND e.created_at > now() - make_interval(hours => $1::int)
GROUP BY 1, 2;
