-- How many engagements does each site have, each counted once, and how many of them continued at another site?
SELECT coalesce(site_name, site_id) AS site, count(*) AS engagements, count(*) FILTER (WHERE site_count > 1) AS of_several_sites
FROM engagement_facts
WHERE created_at >= now() - interval '30 days' AND legs_known
GROUP BY site_id, site
ORDER BY site, site_id;
