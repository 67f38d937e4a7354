-- Records that could not be loaded.

-- name: reject_records(site, source, engagement_ids, reasons, payloads, payload_hashes)
-- Adds rejected records. For one that was rejected before, increments times_seen instead. `site`: NULL for details.
-- `source`: list, detail, the stream of a listing, or `statistics SOURCE START` of an interval.
INSERT INTO rejected_records AS r (site_id, source, engagement_id, reason, payload, payload_hash)
SELECT :site::text, :source::text, i.engagement_id, i.reason, i.payload, i.hash
FROM unnest(:engagement_ids::text[], :reasons::text[], :payloads::text[], :payload_hashes::bytea[])
         AS i (engagement_id, reason, payload, hash)
ORDER BY i.hash
ON CONFLICT (payload_hash, source, (coalesce(site_id, ''))) DO UPDATE
SET times_seen = r.times_seen + 1, last_seen_at = now(), reason = excluded.reason, resolved_at = NULL;

-- name: resolve_rejected(ids_with_legs, ids_without_legs)
-- These engagements were loaded, so their rejected records are resolved; a list item without legs does not resolve a
-- rejected detail.
UPDATE rejected_records SET resolved_at = now()
WHERE resolved_at IS NULL
  AND (engagement_id = ANY (:ids_with_legs::text[])
       OR engagement_id = ANY (:ids_without_legs::text[]) AND source = 'list');

-- name: resolve_rejected_before(site, source)
-- Resolves the rejected records that the latest read of a listing, or of an interval's statistics, did not reject
-- again. This transaction has set last_seen_at of the others to now().
UPDATE rejected_records SET resolved_at = now()
WHERE resolved_at IS NULL AND engagement_id IS NULL AND site_id = :site AND source = :source AND last_seen_at < now();

-- name: list_rejected(reject_ids, resolved_too, site, limit)
-- `reject_ids`: empty for all. `site`: NULL for all.
SELECT id, site_id, engagement_id, source, reason, payload, times_seen,
       (extract(epoch FROM first_seen_at) * 1000000)::bigint AS first_seen_at,
       (extract(epoch FROM last_seen_at) * 1000000)::bigint AS last_seen_at,
       (extract(epoch FROM resolved_at) * 1000000)::bigint AS resolved_at
FROM rejected_records
WHERE (cardinality(:reject_ids::bigint[]) = 0 OR id = ANY (:reject_ids::bigint[]))
  AND (:resolved_too::boolean OR resolved_at IS NULL)
  AND (:site::text IS NULL OR site_id = :site)
ORDER BY rejected_records.last_seen_at DESC, rejected_records.id DESC
LIMIT :limit::bigint;

-- name: list_rejected_ids(reject_ids, resolved_too, site)
-- As list_rejected, without a limit.
SELECT id
FROM rejected_records
WHERE (cardinality(:reject_ids::bigint[]) = 0 OR id = ANY (:reject_ids::bigint[]))
  AND (:resolved_too::boolean OR resolved_at IS NULL)
  AND (:site::text IS NULL OR site_id = :site)
ORDER BY last_seen_at DESC, id DESC;

-- name: resolve_one(reject_id)
UPDATE rejected_records SET resolved_at = now() WHERE id = :reject_id::bigint AND resolved_at IS NULL;
