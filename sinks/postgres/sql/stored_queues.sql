-- $1 queues
SELECT id, content_hash, missing_since IS NOT NULL AS missing, name FROM queues WHERE id = ANY($1::text[]);
