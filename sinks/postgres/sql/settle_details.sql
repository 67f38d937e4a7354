-- Details that were loaded leave the queue, unless a newer list item asks for more than they can tell, or somebody else
-- has claimed them. In the order of the ids, so that two writers never wait for each other.
-- $1 engagements, $2 fetched_at of the details, $3 who claimed them or NULL: nobody did
DELETE FROM detail_queue d
USING (SELECT s.* FROM unnest($1::text[], $2::timestamptz[]) AS s (id, fetched_at) ORDER BY s.id) AS i
WHERE d.engagement_id = i.id AND d.wanted_after <= i.fetched_at AND ($3::text IS NULL OR d.claimed_by = $3)
RETURNING d.engagement_id;
