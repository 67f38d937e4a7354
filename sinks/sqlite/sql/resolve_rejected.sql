-- ?1 engagement, ?2 whether its legs came too
UPDATE rejected_records SET resolved_at = now()
WHERE resolved_at IS NULL AND engagement_id = ?1 AND (?2 OR source = 'list');
