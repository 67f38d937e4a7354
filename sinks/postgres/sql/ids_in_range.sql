-- The ids of the engagements that were created in a time range, whichever site listed them first: a scan of the index on
-- (first_site_id, created_at) for each site.
-- $1 the earliest created_at, $2 the latest, $3 at most so many, $4 the sites that listed engagements first
SELECT t.id
FROM ((SELECT e.id
       FROM engagements e
       WHERE e.first_site_id = ANY ($4::text[]) AND e.created_at BETWEEN $1::timestamptz AND $2::timestamptz
       ORDER BY e.first_site_id, e.created_at
       LIMIT $3::bigint)
      UNION ALL
      (SELECT e.id
       FROM engagements e
       WHERE e.first_site_id IS NULL AND e.created_at BETWEEN $1::timestamptz AND $2::timestamptz
       ORDER BY e.first_site_id, e.created_at
       LIMIT $3::bigint)) t
LIMIT $3::bigint;
