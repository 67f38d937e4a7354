-- Records that could not be loaded; one met before is counted.
-- $1 site (NULL for details), $2 source, $3 engagement ids, $4 reasons, $5 payloads, $6 payload hashes
INSERT INTO rejected_records AS r (site_id, source, engagement_id, reason, payload, payload_hash)
SELECT $1::text, $2::text, i.engagement_id, i.reason, i.payload, i.hash
FROM unnest($3::text[], $4::text[], $5::text[], $6::bytea[]) AS i (engagement_id, reason, payload, hash)
ORDER BY i.hash
ON CONFLICT (payload_hash, source, (coalesce(site_id, ''))) DO UPDATE
SET times_seen = r.times_seen + 1, last_seen_at = now(), reason = excluded.reason, resolved_at = NULL;
