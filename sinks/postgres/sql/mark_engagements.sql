-- For rows that lock_engagements holds and whose own columns are as they should be: what is known of list and legs.
-- $1 ids, $2 list hashes, $3 legs hashes, $4 fetched_at, $5 legs_fetched_at, $6 whether the legs changed
UPDATE engagements e
SET list_hash = i.list_hash,
    legs_hash = i.legs_hash,
    fetched_at = i.fetched_at,
    legs_fetched_at = i.legs_fetched_at,
    changed_at = CASE WHEN i.changed THEN now() ELSE e.changed_at END
FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::timestamptz[], $5::timestamptz[], $6::boolean[])
         AS i (id, list_hash, legs_hash, fetched_at, legs_fetched_at, changed)
WHERE e.id = i.id;
