-- As expired_engagements, of those that no listing has shown. $1 from when, $2 before when, $3 how many at most
SELECT e.id, (extract(epoch FROM e.created_at) * 1000000)::bigint AS created_at
FROM engagements e
WHERE e.first_site_id IS NULL AND e.created_at >= $1::timestamptz AND e.created_at < $2::timestamptz
ORDER BY e.first_site_id, e.created_at
LIMIT $3::bigint;
