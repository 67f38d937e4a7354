-- What is to be fetched of engagements that came or changed while nobody asked for it. A transcript is fetched again if its
-- engagement has changed since it was asked for; a recording never.
-- $1 kind, $2 engagements, $3 items, $4 created_at, $5 fetched_at, $6 changed_at
INSERT INTO work_items AS n (engagement_id, kind, item, created_at, wanted_after, changed_at)
SELECT i.id, $1::text, i.item, i.created_at, i.wanted_after, i.changed_at
FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[])
         AS i (id, item, created_at, wanted_after, changed_at)
ORDER BY i.id, i.item
ON CONFLICT (engagement_id, kind, item) DO UPDATE
SET waiting = true, wanted_after = excluded.wanted_after, changed_at = excluded.changed_at, attempts = 0,
    next_attempt_at = '-infinity', parked = false
WHERE n.kind = 'transcript' AND n.changed_at < excluded.changed_at;
