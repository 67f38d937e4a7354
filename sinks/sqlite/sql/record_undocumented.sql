-- Beyond a thousand paths no new ones are kept: then the names themselves are data.
-- ?1 path, ?2 kind, ?3 example ('': none), ?4 the engagement that it is from, ?5 how often
INSERT INTO undocumented_members (path, kind, example, example_of, first_seen_at, last_seen_at, times_seen)
SELECT ?1, ?2, nullif(?3, ''), nullif(?4, ''), now(), now(), ?5
WHERE (SELECT count(*) FROM undocumented_members) < 1000 OR EXISTS (SELECT 1 FROM undocumented_members WHERE path = ?1)
ON CONFLICT (path) DO UPDATE
SET kind = excluded.kind,
    example = coalesce(example, excluded.example),
    example_of = CASE WHEN example IS NULL THEN excluded.example_of ELSE example_of END,
    last_seen_at = excluded.last_seen_at,
    times_seen = times_seen + excluded.times_seen;
