-- Which engagements of a time are stored, whoever listed them? Of none, one row says whether anything was ever
-- forgotten; see classify about that. One walk along the index on (first_site_id, created_at) for each site that there
-- is, which is found by the same index.
-- $1 the earliest created_at, $2 the latest, $3 at most so many
WITH RECURSIVE sites AS (
    SELECT (SELECT min(e.first_site_id) FROM engagements e) AS id
    UNION ALL
    SELECT (SELECT min(e.first_site_id) FROM engagements e WHERE e.first_site_id > s.id) FROM sites s WHERE s.id IS NOT NULL
)
SELECT t.id, f.something AS forgotten
FROM (SELECT EXISTS (SELECT FROM forgotten) AS something) f
LEFT JOIN (SELECT e.id
           FROM sites s
           CROSS JOIN LATERAL (SELECT e.id
                               FROM engagements e
                               WHERE e.first_site_id = s.id AND e.created_at BETWEEN $1::timestamptz AND $2::timestamptz
                               ORDER BY e.first_site_id, e.created_at
                               LIMIT $3::bigint) e
           UNION ALL
           (SELECT e.id
            FROM engagements e
            WHERE e.first_site_id IS NULL AND e.created_at BETWEEN $1::timestamptz AND $2::timestamptz
            ORDER BY e.first_site_id, e.created_at
            LIMIT $3::bigint)
           LIMIT $3::bigint) t ON true;
