-- The state of engagements that are about to be written, held still until the commit. In the order of their ids,
-- so that two writers never wait for each other.
-- $1 ids
SELECT e.id, e.core_hash, e.list_hash, e.legs_hash,
       (extract(epoch FROM e.fetched_at) * 1000000)::bigint AS fetched_at,
       (extract(epoch FROM e.legs_fetched_at) * 1000000)::bigint AS legs_fetched_at
FROM engagements e
WHERE e.id = ANY ($1::text[])
ORDER BY e.id
FOR NO KEY UPDATE;
