-- Legs to be fetched. A row that waits already is wanted anew: a response asked for earlier will not settle it.
-- $1 engagements, $2 their created_at, $3 fetched_at of the list items that ask for them
INSERT INTO detail_queue AS d (engagement_id, created_at, wanted_after)
SELECT i.id, i.created_at, i.wanted_after
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS i (id, created_at, wanted_after)
ORDER BY i.id
ON CONFLICT (engagement_id) DO UPDATE
SET wanted_after = greatest(d.wanted_after, excluded.wanted_after),
    next_attempt_at = '-infinity',
    attempts = 0,
    parked = false;
