-- Counts engagements by hour (the table volume_hours), and compares them with the expected numbers (the view volume).

-- name: volume_sites
-- Returns the sites that have a watermark, each with its newest counted hour.
SELECT s.site_id, (extract(epoch FROM s.synced_through) * 1000000)::bigint AS complete_through,
       (extract(epoch FROM n.hour_start) * 1000000)::bigint AS newest
FROM sync_state s
LEFT JOIN LATERAL (SELECT v.hour_start FROM volume_hours v
                   WHERE v.site_id = s.site_id
                   ORDER BY v.site_id DESC, v.hour_start DESC
                   LIMIT 1) n ON true
WHERE s.stream = 'engagements' AND isfinite(s.synced_through)
ORDER BY s.site_id;

-- name: first_engagement(site)
-- Returns created_at of the oldest engagement that a site listed first. Uses the index on (first_site_id, created_at).
SELECT (extract(epoch FROM e.created_at) * 1000000)::bigint AS created_at
FROM engagements e
WHERE e.first_site_id = :site::text AND isfinite(e.created_at)
ORDER BY e.first_site_id, e.created_at
LIMIT 1;

-- name: count_volume(from, before, first_sites, sites, since, through)
-- Counts the engagements created in each hour from `from` to `before`, for each site only in the hours from its `since`
-- to its `through`. Does not write a count that has not changed. Uses the index on (first_site_id, created_at).
-- `first_sites`: all sites that listed an engagement first.
INSERT INTO volume_hours AS v (site_id, hour_start, engagements)
SELECT i.site_id, h.hour_start, coalesce(c.engagements, 0)
FROM unnest(:sites::text[], :since::timestamptz[], :through::timestamptz[]) AS i (site_id, since, through)
CROSS JOIN generate_series(:from::timestamptz, :before::timestamptz - interval '1 hour', interval '1 hour')
               AS h (hour_start)
LEFT JOIN (SELECT s.site_id, date_trunc('hour', e.created_at, 'UTC') AS hour_start, count(*) AS engagements
           FROM engagements e
           JOIN engagement_sites s ON s.engagement_id = e.id
           WHERE e.first_site_id = ANY (:first_sites::text[]) AND e.created_at >= :from::timestamptz
             AND e.created_at < :before::timestamptz
           GROUP BY 1, 2) c ON c.site_id = i.site_id AND c.hour_start = h.hour_start
WHERE h.hour_start >= i.since AND h.hour_start < i.through
ON CONFLICT (site_id, hour_start) DO UPDATE SET engagements = excluded.engagements
WHERE v.engagements <> excluded.engagements;

-- name: prune_volume(keep_seconds)
DELETE FROM volume_hours v
WHERE v.site_id = ANY (ARRAY(SELECT s.site_id FROM sync_state s WHERE s.stream = 'engagements'))
  AND v.hour_start < now() - make_interval(secs => :keep_seconds::float8);

-- name: status_volume(sites, hours)
-- Returns the counted hours among the last `hours`, in order, with the expected number of each.
SELECT v.site_id, (extract(epoch FROM v.hour_start) * 1000000)::bigint AS hour_start,
       v.hour_start_local::date - date '1970-01-01' AS local_day, v.engagements, v.expected_engagements
FROM volume v
WHERE v.site_id = ANY (:sites::text[]) AND v.hour_start > now() - make_interval(hours => :hours::int)
ORDER BY v.site_id, v.hour_start;

-- name: volume_days(sites, days)
-- Returns the sums of the counted hours by day in the site's time zone, in order, for the last `days` days.
-- `expected_engagements`: NULL if one of the hours has no expected number, as on a holiday. The last day is that of the
-- newest hour that is over: in the first hour after midnight it is yesterday. The site's current local time is computed
-- from the offset between hour_start_local and hour_start.
SELECT v.site_id, v.hour_start_local::date - date '1970-01-01' AS local_day, sum(v.engagements)::bigint AS engagements,
       CASE WHEN count(v.expected_engagements) = count(*) THEN sum(v.expected_engagements) END AS expected_engagements,
       bool_or(v.is_holiday) AS is_holiday
FROM volume v
WHERE v.site_id = ANY (:sites::text[]) AND v.hour_start > now() - make_interval(days => :days::int + 1)
  AND v.hour_start <= now() - interval '1 hour'
  AND v.hour_start_local::date > (now() AT TIME ZONE 'UTC' - interval '1 hour'
                                  + (v.hour_start_local - v.hour_start AT TIME ZONE 'UTC'))::date - :days::int
GROUP BY v.site_id, local_day
ORDER BY v.site_id, local_day;
