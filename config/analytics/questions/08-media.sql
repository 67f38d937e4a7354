-- Which media are used, and how often together with CoBrowsing?
SELECT media, count(*) AS engagements, round(avg(cobrowsing::int), 3) AS with_cobrowsing
FROM engagement_facts
WHERE created_at >= now() - interval '30 days'
GROUP BY media
ORDER BY engagements DESC, media;
