-- Can the figures be trusted: through when is each site complete, and is anything missing?
SELECT site_id, complete_through IS NOT NULL AS complete, lag_seconds < 900 AS fresh, rejected, waiting_for_legs
FROM freshness
ORDER BY site_id;
