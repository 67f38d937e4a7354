-- What is to be fetched of engagements that this transaction writes. A job that is there already is wanted anew: a response
-- asked for earlier does not settle it. A recording is fetched once.
-- $1 engagements, $2 kinds, $3 items, $4 created_at of the engagements, $5 fetched_at of the records that ask for it
INSERT INTO work_items AS w (engagement_id, kind, item, created_at, wanted_after)
SELECT i.id, i.kind, i.item, i.created_at, i.wanted_after
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
         AS i (id, kind, item, created_at, wanted_after)
ORDER BY i.id, i.kind, i.item
ON CONFLICT (engagement_id, kind, item) DO UPDATE
SET waiting = true,
    wanted_after = greatest(w.wanted_after, excluded.wanted_after),
    changed_at = CASE w.kind WHEN 'detail' THEN w.changed_at ELSE excluded.changed_at END,
    next_attempt_at = '-infinity',
    attempts = 0,
    parked = false
WHERE w.kind <> 'recording';
