-- What is to be fetched of engagements that this transaction writes. A transcript is fetched again when its engagement
-- changed; a recording never.
-- $1 engagements, $2 kinds, $3 items, $4 created_at of the engagements, $5 fetched_at of the records that ask for it
INSERT INTO enrichments AS n (engagement_id, kind, item, created_at, wanted_after)
SELECT i.id, i.kind, i.item, i.created_at, i.wanted_after
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
         AS i (id, kind, item, created_at, wanted_after)
ORDER BY i.id, i.kind, i.item
ON CONFLICT (engagement_id, kind, item) DO UPDATE
SET waiting = true,
    wanted_after = greatest(n.wanted_after, excluded.wanted_after),
    changed_at = now(),
    next_attempt_at = '-infinity',
    attempts = 0
WHERE n.kind = 'transcript';
