-- Details that were loaded leave the queue, unless a newer list item asks for more than they can tell.
-- $1 engagements, $2 fetched_at of the details
DELETE FROM detail_queue d
USING unnest($1::text[], $2::timestamptz[]) AS i (id, fetched_at)
WHERE d.engagement_id = i.id AND d.wanted_after <= i.fetched_at;
