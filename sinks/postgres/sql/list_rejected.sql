-- $1 ids, or none for any, $2 true: resolved ones too, $3 site or NULL, $4 how many at most
SELECT id, site_id, engagement_id, source, reason, payload, times_seen,
       (extract(epoch FROM first_seen_at) * 1000000)::bigint AS first_seen_at,
       (extract(epoch FROM last_seen_at) * 1000000)::bigint AS last_seen_at,
       (extract(epoch FROM resolved_at) * 1000000)::bigint AS resolved_at
FROM rejected_records
WHERE (cardinality($1::bigint[]) = 0 OR id = ANY ($1::bigint[]))
  AND ($2::boolean OR resolved_at IS NULL)
  AND ($3::text IS NULL OR site_id = $3)
ORDER BY rejected_records.last_seen_at DESC, rejected_records.id DESC
LIMIT $4::bigint;
