-- Jobs that were fetched and keep their row. They wait still if something newer is wanted, free to be fetched at once.
-- $1 kind, $2 engagements, $3 items, $4 fetched_at, $5 who claimed them or NULL: nobody did, $6 paths, $7 sizes, $8 SHA-256
UPDATE work_items w
SET waiting = w.wanted_after > i.fetched_at, done_at = i.fetched_at, attempts = 0, next_attempt_at = '-infinity', parked = false,
    last_error = NULL, last_error_at = NULL, claimed_by = NULL, claimed_until = NULL,
    path = i.path, size_bytes = i.size_bytes, sha256 = i.sha256
FROM unnest($2::text[], $3::text[], $4::timestamptz[], $6::text[], $7::bigint[], $8::text[])
         AS i (id, item, fetched_at, path, size_bytes, sha256)
WHERE w.engagement_id = i.id AND w.kind = $1::text AND w.item = i.item AND ($5::text IS NULL OR w.claimed_by = $5::text)
RETURNING w.engagement_id, w.item;
