-- Counts what the records of a transaction hold beyond their documentation. Rows are locked in the order of their paths. Beyond a
-- thousand paths no new ones are kept: then the names themselves are data.
-- $1 paths, $2 kinds, $3 examples ('': none), $4 the engagements that those are from, $5 how often, $6 the time of the transaction
INSERT INTO undocumented_members AS u (path, kind, example, example_of, first_seen_at, last_seen_at, times_seen)
SELECT n.path, n.kind, nullif(n.example, ''), nullif(n.example_of, ''), $6::timestamptz, $6::timestamptz, n.times
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) AS n (path, kind, example, example_of, times)
WHERE (SELECT count(*) FROM (SELECT FROM undocumented_members LIMIT 1000) k) < 1000
   OR EXISTS (SELECT FROM undocumented_members k WHERE k.path = n.path)
ORDER BY n.path
ON CONFLICT (path) DO UPDATE
SET kind = excluded.kind,
    example = coalesce(u.example, excluded.example),
    example_of = CASE WHEN u.example IS NULL THEN excluded.example_of ELSE u.example_of END,
    last_seen_at = excluded.last_seen_at,
    times_seen = u.times_seen + excluded.times_seen;
