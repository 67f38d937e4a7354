-- Jobs that are done leave the queue, unless something newer is wanted than was fetched, or somebody else has claimed them. In
-- the order of the ids, so that two writers never wait for each other.
-- $1 kind, $2 engagements, $3 items, $4 fetched_at, $5 who claimed them or NULL: nobody did
DELETE FROM work_items w
USING (SELECT s.* FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS s (id, item, fetched_at) ORDER BY s.id, s.item) AS i
WHERE w.engagement_id = i.id AND w.kind = $1::text AND w.item = i.item AND w.wanted_after <= i.fetched_at
  AND ($5::text IS NULL OR w.claimed_by = $5::text)
RETURNING w.engagement_id, w.item;
