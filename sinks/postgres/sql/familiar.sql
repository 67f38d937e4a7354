-- The engagements first listed by a site within a time, as the hashes of their list item and of their legs, 32 bytes
-- each, one after the other. Left out are those of which there is more to know: one that is ongoing or was rejected.
-- In the order of the index on (first_site_id, created_at): of the two indexes with a time this one is to answer.
-- $1 the site, $2 the earliest created_at, $3 the latest, $4 at most so many
SELECT string_agg(t.hashes, '') AS hashes
FROM (SELECT e.list_hash || coalesce(e.legs_hash, '\x00000000000000000000000000000000') AS hashes
      FROM engagements e
      WHERE e.first_site_id = $1 AND e.created_at BETWEEN $2::timestamptz AND $3::timestamptz
        AND e.list_hash IS NOT NULL
        AND e.id NOT IN (SELECT o.engagement_id FROM ongoing_engagements o)
        AND e.id NOT IN (SELECT r.engagement_id FROM rejected_records r
                         WHERE r.resolved_at IS NULL AND r.engagement_id IS NOT NULL)
      ORDER BY e.first_site_id, e.created_at
      LIMIT $4::bigint) t;
