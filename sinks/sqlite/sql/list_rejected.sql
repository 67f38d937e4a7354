-- ?1 ids (empty: any), ?2 those that are settled too, ?3 site (NULL: any), ?4 how many
SELECT id, site_id, engagement_id, source, reason, payload, first_seen_at, last_seen_at, times_seen, resolved_at
FROM rejected_records
WHERE (json_array_length(?1) = 0 OR id IN (SELECT value FROM json_each(?1)))
  AND (?2 OR resolved_at IS NULL) AND (?3 IS NULL OR site_id = ?3)
ORDER BY last_seen_at DESC, id DESC LIMIT ?4;
