-- Records that could not be loaded.

-- name: reject_record(site, source, engagement, reason, payload, payload_hash)
INSERT INTO rejected_records (site_id, source, engagement_id, reason, payload, payload_hash, first_seen_at,
                              last_seen_at)
VALUES (:site, :source, :engagement, :reason, :payload, :payload_hash, now(), now())
ON CONFLICT (payload_hash, source, coalesce(site_id, '')) DO UPDATE
SET times_seen = times_seen + 1, last_seen_at = now(), reason = excluded.reason, resolved_at = NULL;

-- name: resolve_rejected(engagement, with_legs)
-- A list item without legs does not resolve a rejected detail.
UPDATE rejected_records SET resolved_at = now()
WHERE resolved_at IS NULL AND engagement_id = :engagement AND (:with_legs OR source = 'list');

-- name: resolve_rejected_before(site, source)
-- Resolves the rejected records that the latest read of a listing did not reject again. This transaction has set
-- last_seen_at of the others to now().
UPDATE rejected_records SET resolved_at = now()
WHERE resolved_at IS NULL AND site_id = :site AND source = :source AND last_seen_at < now();

-- name: list_rejected(reject_ids, resolved_too, site, limit)
-- `reject_ids`: empty for all. `site`: NULL for all.
SELECT id, site_id, engagement_id, source, reason, payload, first_seen_at, last_seen_at, times_seen, resolved_at
FROM rejected_records
WHERE (json_array_length(:reject_ids) = 0 OR id IN (SELECT value FROM json_each(:reject_ids)))
  AND (:resolved_too OR resolved_at IS NULL) AND (:site IS NULL OR site_id = :site)
ORDER BY last_seen_at DESC, id DESC LIMIT :limit;

-- name: list_rejected_ids(reject_ids, resolved_too, site)
-- As list_rejected, without a limit.
SELECT id
FROM rejected_records
WHERE (json_array_length(:reject_ids) = 0 OR id IN (SELECT value FROM json_each(:reject_ids)))
  AND (:resolved_too OR resolved_at IS NULL) AND (:site IS NULL OR site_id = :site)
ORDER BY last_seen_at DESC, id DESC;

-- name: resolve_one(reject_id)
UPDATE rejected_records SET resolved_at = now() WHERE id = :reject_id;
