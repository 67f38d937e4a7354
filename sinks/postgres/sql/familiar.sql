-- The engagements first listed by a site within a time, as the hashes of their list item and of their legs, 32 bytes
-- each, one after the other.
-- In the order of the index on (first_site_id, created_at): of the two indexes with a time this one is to answer.
-- $1 the site, $2 the earliest created_at, $3 the latest, $4 at most so many
SELECT string_agg(t.hashes, '') AS hashes
FROM (SELECT e.list_hash || coalesce(e.legs_hash, '\x00000000000000000000000000000000') AS hashes
      FROM engagements e
      WHERE e.first_site_id = $1 AND e.created_at BETWEEN $2::timestamptz AND $3::timestamptz
        AND e.list_hash IS NOT NULL
      ORDER BY e.first_site_id, e.created_at
      LIMIT $4::bigint) t;
