-- $1 sites
SELECT id, content_hash, fetched_at IS NULL AS configured FROM sites WHERE id = ANY($1::text[]);
