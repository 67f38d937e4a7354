-- Can the figures be trusted: from when to when is each site complete, without gaps, and is anything missing?
SELECT coalesce(site_name, site_id) AS site, complete_from IS NOT NULL AND complete_through > complete_from AS complete,
       gaps = '{}' AS without_gaps, lag_seconds < 900 AS fresh, rejected, waiting_for_legs,
       statistics_from, statistics_through
FROM freshness
ORDER BY site_id;
