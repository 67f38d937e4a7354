-- Engagements that came or changed while an enricher was off, in the order of their changes: some of them.
-- $1 since when, $2 and $3 changed_at and id of the last one that is known already, $4 how many at most
SELECT e.id, e.changed_at, e.created_at, e.fetched_at, e.legs_fetched_at IS NOT NULL AS whole
FROM engagements e
WHERE e.changed_at >= $1::timestamptz AND (e.changed_at, e.id) > ($2::timestamptz, $3::text)
ORDER BY e.changed_at, e.id
LIMIT $4::bigint;
