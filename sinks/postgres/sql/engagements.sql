-- Reads the stored state of engagements for the comparison with responses, and writes changes. children.sql has the
-- statements for their children.

-- name: stored_hashes(site, earliest, latest, limit)
-- The hashes of the engagements that a site listed first and that were created in a time range: for each engagement
-- the hashes of the list item and of the legs, 34 bytes, without separators. Skips hashes of the first format, which
-- are shorter.
-- ORDER BY selects the index on (first_site_id, created_at).
SELECT string_agg(t.list_hash || coalesce(t.legs_hash, '\x0000000000000000000000000000000000'), '') AS hashes
FROM (SELECT e.list_hash, e.legs_hash
      FROM engagements e
      WHERE e.first_site_id = :site AND e.created_at BETWEEN :earliest::timestamptz AND :latest::timestamptz
        AND e.list_hash IS NOT NULL
      ORDER BY e.first_site_id, e.created_at
      LIMIT :limit::bigint) t
WHERE octet_length(t.list_hash) = 17 AND (t.legs_hash IS NULL OR octet_length(t.legs_hash) = 17);

-- name: ids_in_range(earliest, latest, limit, sites)
-- The ids of all engagements, up to `limit`, that were created in a time range: scans the index on (first_site_id,
-- created_at) once for each site. `sites`: all sites that listed an engagement first.
SELECT t.id
FROM ((SELECT e.id
       FROM engagements e
       WHERE e.first_site_id = ANY (:sites::text[])
         AND e.created_at BETWEEN :earliest::timestamptz AND :latest::timestamptz
       ORDER BY e.first_site_id, e.created_at
       LIMIT :limit::bigint)
      UNION ALL
      (SELECT e.id
       FROM engagements e
       WHERE e.first_site_id IS NULL AND e.created_at BETWEEN :earliest::timestamptz AND :latest::timestamptz
       ORDER BY e.first_site_id, e.created_at
       LIMIT :limit::bigint)) t
LIMIT :limit::bigint;

-- name: next_first_site(after_site)
-- The next value of first_site_id after `after_site`, or NULL.
SELECT min(e.first_site_id) AS site_id FROM engagements e WHERE e.first_site_id > :after_site;

-- name: stored_states(engagement_ids, site)
-- The stored state of engagements. Takes no row lock. `site`: the one whose listing showed them, '' for details.
-- (date_part instead of extract, which computes in numeric; a double is exact to the microsecond until the year 2242.)
SELECT e.id, e.core_hash, e.list_hash, e.legs_hash,
       (date_part('epoch', e.fetched_at) * 1000000)::bigint AS fetched_at,
       (date_part('epoch', e.legs_fetched_at) * 1000000)::bigint AS legs_fetched_at,
       :site = '' OR e.first_site_id IS NOT DISTINCT FROM :site AS site_known
FROM engagements e
WHERE e.id = ANY (:engagement_ids::text[]);

-- name: listed_before(engagement_ids, site)
-- Which engagements the site's listing has shown before. Takes no row lock.
SELECT s.engagement_id FROM engagement_sites s
WHERE s.engagement_id = ANY (:engagement_ids::text[]) AND s.site_id = :site;

-- name: ongoing_and_rejected(engagement_ids)
-- Which engagements are ongoing, and which have an unresolved rejected record.
SELECT o.engagement_id, true AS ongoing FROM ongoing_engagements o WHERE o.engagement_id = ANY (:engagement_ids::text[])
UNION ALL
SELECT r.engagement_id, false FROM rejected_records r
WHERE r.engagement_id = ANY (:engagement_ids::text[]) AND r.resolved_at IS NULL;

-- name: update_engagements(rows, engagement_ids, core_changed, changed, complete, core_hashes, list_hashes, legs_hashes,
--     fetched_at, legs_fetched_at, stored_core_hashes, stored_fetched_at, stored_legs_fetched_at, now)
-- Updates the engagements that have not changed since the change was planned, and returns their ids. A row that
-- another transaction has changed since is not in the result; the caller plans it again. Locks rows in the order of
-- their ids, so that two writers never deadlock.
-- `rows`: the engagements whose own columns change (`core_changed`), as a JSON array. `changed`: whether the change is
-- visible to users. `complete`: whether legs are written and all of them have ended. stored_…: the values that the
-- rows must still have; every write that changes something changes one of the three. `now`: the time of the
-- transaction, because now() is not allowed here on a distributed table.
-- Clears missing_since if a response that was requested later shows the engagement.
UPDATE engagements e
SET @engagements.case_core@,
    core_hash = n.core_hash,
    list_hash = n.list_hash,
    legs_hash = n.legs_hash,
    fetched_at = n.fetched_at,
    legs_fetched_at = n.legs_fetched_at,
    missing_since = CASE WHEN n.fetched_at > e.fetched_at THEN NULL ELSE e.missing_since END,
    changed_at = CASE WHEN n.changed THEN :now::timestamptz ELSE e.changed_at END,
    first_complete_at = CASE WHEN e.first_complete_at IS NULL AND n.complete THEN :now::timestamptz
                             ELSE e.first_complete_at END
FROM (SELECT s.id, s.core, s.changed, s.complete, s.core_hash, s.list_hash, s.legs_hash, s.fetched_at,
             s.legs_fetched_at, s.core_hash_was, s.fetched_at_was, s.legs_fetched_at_was,
             @engagements.values_i@
      FROM unnest(:engagement_ids::text[], :core_changed::boolean[], :changed::boolean[], :complete::boolean[],
                  :core_hashes::bytea[], :list_hashes::bytea[], :legs_hashes::bytea[], :fetched_at::timestamptz[],
                  :legs_fetched_at::timestamptz[], :stored_core_hashes::bytea[], :stored_fetched_at::timestamptz[],
                  :stored_legs_fetched_at::timestamptz[])
               AS s (id, core, changed, complete, core_hash, list_hash, legs_hash, fetched_at, legs_fetched_at,
                     core_hash_was, fetched_at_was, legs_fetched_at_was)
      LEFT JOIN json_populate_recordset(NULL::engagements, :rows::json) i ON i.id = s.id
      ORDER BY s.id) AS n
WHERE e.id = n.id
  AND e.core_hash = n.core_hash_was
  AND e.fetched_at = n.fetched_at_was
  AND e.legs_fetched_at IS NOT DISTINCT FROM n.legs_fetched_at_was
RETURNING e.id;

-- name: add_sites(engagement_ids, site)
-- Records that the site's listing showed these engagements.
INSERT INTO engagement_sites (engagement_id, site_id)
SELECT i.id, :site FROM unnest(:engagement_ids::text[]) AS i (id) ORDER BY i.id
ON CONFLICT DO NOTHING;

-- name: upsert_queues(rows)
-- The name of a queue comes from the newest engagement that names it, and from that engagement's newest response.
-- WHERE filters out rows that would change nothing, because ON CONFLICT would lock them. `rows`: rows of queues as a
-- JSON array.
INSERT INTO queues AS q (id, name, name_as_of, name_fetched_at)
SELECT i.id, i.name, i.name_as_of, i.name_fetched_at
FROM json_populate_recordset(NULL::queues, :rows::json) i
WHERE NOT EXISTS (
    SELECT FROM queues k
    WHERE k.id = i.id
      AND (i.name IS NULL
           OR (k.name IS NOT NULL AND (k.name_as_of, k.name_fetched_at) >= (i.name_as_of, i.name_fetched_at))
           OR (k.name_as_of = i.name_as_of AND k.name = i.name)))
ORDER BY i.id
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, name_as_of = excluded.name_as_of, name_fetched_at = excluded.name_fetched_at
WHERE excluded.name IS NOT NULL
  AND (q.name IS NULL OR (q.name_as_of, q.name_fetched_at) < (excluded.name_as_of, excluded.name_fetched_at))
RETURNING q.id, q.name, q.name_as_of AS since;

-- name: record_undocumented_members(paths, kinds, examples, engagement_ids, times, now)
-- Counts the undocumented members in the records of a transaction. Locks rows in the order of their paths. Stores at
-- most a thousand paths: if there are more, the source uses data as names of members.
-- `examples`: '' for none. `engagement_ids`: the engagements of the examples. `now`: the time of the transaction.
INSERT INTO undocumented_members AS u (path, kind, example, example_of, first_seen_at, last_seen_at, times_seen)
SELECT n.path, n.kind, nullif(n.example, ''), nullif(n.example_of, ''), :now::timestamptz, :now::timestamptz, n.times
FROM unnest(:paths::text[], :kinds::text[], :examples::text[], :engagement_ids::text[], :times::bigint[])
         AS n (path, kind, example, example_of, times)
WHERE (SELECT count(*) FROM (SELECT FROM undocumented_members LIMIT 1000) k) < 1000
   OR EXISTS (SELECT FROM undocumented_members k WHERE k.path = n.path)
ORDER BY n.path
ON CONFLICT (path) DO UPDATE
SET kind = excluded.kind,
    example = coalesce(u.example, excluded.example),
    example_of = CASE WHEN u.example IS NULL THEN excluded.example_of ELSE u.example_of END,
    last_seen_at = excluded.last_seen_at,
    times_seen = u.times_seen + excluded.times_seen;
