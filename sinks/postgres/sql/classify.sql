-- Which of these engagements are known, and in what state? Takes no row lock.
-- $1 ids, $2 the site whose listing showed them
SELECT e.id, e.core_hash, e.list_hash, e.legs_hash,
       (extract(epoch FROM e.fetched_at) * 1000000)::bigint AS fetched_at,
       (extract(epoch FROM e.legs_fetched_at) * 1000000)::bigint AS legs_fetched_at,
       EXISTS (SELECT FROM engagement_sites s WHERE s.engagement_id = e.id AND s.site_id = $2) AS site_known,
       EXISTS (SELECT FROM rejected_records r WHERE r.engagement_id = e.id AND r.resolved_at IS NULL) AS rejected
FROM engagements e
WHERE e.id = ANY ($1::text[]);
