-- $1 id
UPDATE rejected_records SET resolved_at = now() WHERE id = $1::bigint AND resolved_at IS NULL;
