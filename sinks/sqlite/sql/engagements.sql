-- The stored state of engagements: hashes and times, not the content.

-- name: known_engagements(engagement_ids)
SELECT e.id, e.core_hash, e.list_hash, e.legs_hash, e.fetched_at, e.legs_fetched_at, e.site_ids, e.owed,
       e.visitor_mark,
       EXISTS (SELECT 1 FROM rejected_records r WHERE r.engagement_id = e.id AND r.resolved_at IS NULL)
FROM json_each(:engagement_ids) i JOIN engagements e ON e.id = i.value;

-- name: put_engagement(engagement, created_at, core_hash, list_hash, legs_hash, fetched_at, legs_fetched_at, sites,
--     owed, visitor_digest)
INSERT INTO engagements (id, created_at, core_hash, list_hash, legs_hash, fetched_at, legs_fetched_at, site_ids, owed,
                         visitor_mark)
VALUES (:engagement, :created_at, :core_hash, :list_hash, :legs_hash, :fetched_at, :legs_fetched_at, :sites, :owed,
        :visitor_digest)
ON CONFLICT (id) DO UPDATE
SET created_at = excluded.created_at, core_hash = excluded.core_hash, list_hash = excluded.list_hash,
    legs_hash = excluded.legs_hash, fetched_at = excluded.fetched_at, legs_fetched_at = excluded.legs_fetched_at,
    site_ids = excluded.site_ids, owed = excluded.owed, visitor_mark = excluded.visitor_mark;

-- name: record_undocumented_members(path, kind, example, engagement, times)
-- Stores at most a thousand paths: if there are more, the source uses data as names of members.
-- `example`: '' for none. `engagement`: the engagement of the example.
INSERT INTO undocumented_members (path, kind, example, example_of, first_seen_at, last_seen_at, times_seen)
SELECT :path, :kind, nullif(:example, ''), nullif(:engagement, ''), now(), now(), :times
WHERE (SELECT count(*) FROM undocumented_members) < 1000
  OR EXISTS (SELECT 1 FROM undocumented_members WHERE path = :path)
ON CONFLICT (path) DO UPDATE
SET kind = excluded.kind,
    example = coalesce(example, excluded.example),
    example_of = CASE WHEN example IS NULL THEN excluded.example_of ELSE example_of END,
    last_seen_at = excluded.last_seen_at,
    times_seen = times_seen + excluded.times_seen;
