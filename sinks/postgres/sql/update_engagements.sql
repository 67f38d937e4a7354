-- Writes rows of engagements that are still as they were when it was decided what to write, and tells which those were:
-- the others have changed meanwhile, and are decided anew. Rows are locked in the order of their ids, so that two writers
-- never wait for each other.
-- $1 whole rows as a JSON array, of those whose own columns change; $2 ids, $3 whether their own columns change, $4 whether
-- anything that people see does; $5 core hashes, $6 list hashes, $7 legs hashes, $8 fetched_at, $9 legs_fetched_at; $10 core hashes,
-- $11 fetched_at, $12 legs_fetched_at as they were: no write leaves all three alone, unless it repeats what is there; $13 the time
-- of the transaction (a distributed table takes no now() here)
UPDATE engagements e
SET @engagements.case_core@,
    core_hash = n.core_hash,
    list_hash = n.list_hash,
    legs_hash = n.legs_hash,
    fetched_at = n.fetched_at,
    legs_fetched_at = n.legs_fetched_at,
    changed_at = CASE WHEN n.changed THEN $13::timestamptz ELSE e.changed_at END
FROM (SELECT s.id, s.core, s.changed, s.core_hash, s.list_hash, s.legs_hash, s.fetched_at, s.legs_fetched_at,
             s.core_hash_was, s.fetched_at_was, s.legs_fetched_at_was,
             @engagements.values_i@
      FROM unnest($2::text[], $3::boolean[], $4::boolean[], $5::bytea[], $6::bytea[], $7::bytea[], $8::timestamptz[],
                  $9::timestamptz[], $10::bytea[], $11::timestamptz[], $12::timestamptz[])
               AS s (id, core, changed, core_hash, list_hash, legs_hash, fetched_at, legs_fetched_at, core_hash_was,
                     fetched_at_was, legs_fetched_at_was)
      LEFT JOIN json_populate_recordset(NULL::engagements, $1::json) i ON i.id = s.id
      ORDER BY s.id) AS n
WHERE e.id = n.id
  AND e.core_hash = n.core_hash_was
  AND e.fetched_at = n.fetched_at_was
  AND e.legs_fetched_at IS NOT DISTINCT FROM n.legs_fetched_at_was
RETURNING e.id;
