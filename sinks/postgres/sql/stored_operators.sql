-- $1 operators
SELECT id, content_hash, missing_since IS NOT NULL AS missing FROM operators WHERE id = ANY($1::text[]);
