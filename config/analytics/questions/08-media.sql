-- Which media are used, and how often is CoBrowsing used beside them?
SELECT richest_media, count(*) AS engagements, round(avg(cobrowsing_used::int), 3) AS with_cobrowsing
FROM engagement_facts
WHERE created_at >= now() - interval '30 days'
GROUP BY richest_media
ORDER BY engagements DESC;
