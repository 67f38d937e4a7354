-- The oldest engagements that a site listed first, from where the last call ended. By the index on (first_site_id,
-- created_at). $1 the site, $2 from when, $3 before when, $4 how many at most
SELECT e.id, (extract(epoch FROM e.created_at) * 1000000)::bigint AS created_at
FROM engagements e
WHERE e.first_site_id = $1::text AND e.created_at >= $2::timestamptz AND e.created_at < $3::timestamptz
ORDER BY e.first_site_id, e.created_at
LIMIT $4::bigint;
