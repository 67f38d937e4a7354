-- The hashes of the engagements that a site listed first and that were created in a time range: of the list item and of the
-- legs, 34 bytes for each engagement, without separators. Hashes of the first form are shorter and are left out.
-- ORDER BY selects the index on (first_site_id, created_at).
-- $1 the site, $2 the earliest created_at, $3 the latest, $4 at most so many
SELECT string_agg(t.list_hash || coalesce(t.legs_hash, '\x0000000000000000000000000000000000'), '') AS hashes
FROM (SELECT e.list_hash, e.legs_hash
      FROM engagements e
      WHERE e.first_site_id = $1 AND e.created_at BETWEEN $2::timestamptz AND $3::timestamptz
        AND e.list_hash IS NOT NULL
      ORDER BY e.first_site_id, e.created_at
      LIMIT $4::bigint) t
WHERE octet_length(t.list_hash) = 17 AND (t.legs_hash IS NULL OR octet_length(t.legs_hash) = 17);
