-- Compares the tables with the source, and marks engagements that the source no longer has.

-- name: stored_of_sites(first_site, from, before, after_created_at, after_id, sites, limit)
-- Returns a page of the engagements that a site listed first and that were created in a time range: for each
-- engagement a row for each of `sites` that lists it, or one row with NULL if none does or if it is missing at the
-- source. The page begins after (`after_created_at`, `after_id`). Uses the index on (first_site_id, created_at).
SELECT e.id, (extract(epoch FROM e.created_at) * 1000000)::bigint AS created_at, s.site_id
FROM (SELECT r.id, r.created_at, r.missing_since, r.first_site_id
      FROM engagements r
      WHERE r.first_site_id = :first_site::text AND r.created_at >= :from::timestamptz
        AND r.created_at < :before::timestamptz
        AND (r.created_at, r.id) > (:after_created_at::timestamptz, :after_id::text)
      ORDER BY r.first_site_id, r.created_at, r.id
      LIMIT :limit::bigint) e
LEFT JOIN engagement_sites s ON s.engagement_id = e.id AND s.site_id = ANY (:sites::text[]) AND e.missing_since IS NULL
ORDER BY e.created_at, e.id;

-- name: stored_unlisted(from, before, after_created_at, after_id, sites, limit)
-- The same for engagements without a known first site.
SELECT e.id, (extract(epoch FROM e.created_at) * 1000000)::bigint AS created_at, s.site_id
FROM (SELECT r.id, r.created_at, r.missing_since, r.first_site_id
      FROM engagements r
      WHERE r.first_site_id IS NULL AND r.created_at >= :from::timestamptz AND r.created_at < :before::timestamptz
        AND (r.created_at, r.id) > (:after_created_at::timestamptz, :after_id::text)
      ORDER BY r.first_site_id, r.created_at, r.id
      LIMIT :limit::bigint) e
LEFT JOIN engagement_sites s ON s.engagement_id = e.id AND s.site_id = ANY (:sites::text[]) AND e.missing_since IS NULL
ORDER BY e.created_at, e.id;

-- name: ids_of_site(site, from, before, after_created_at, after_id, limit)
-- Returns a page of the engagements that a site listed first and that were created in a time range. `gone`: known to be
-- missing at the source. Uses the index on (first_site_id, created_at).
SELECT e.id, (date_part('epoch', e.created_at) * 1000000)::bigint AS created_at, e.missing_since IS NOT NULL AS gone
FROM engagements e
WHERE e.first_site_id = :site::text AND e.created_at >= :from::timestamptz AND e.created_at < :before::timestamptz
  AND (e.created_at, e.id) > (:after_created_at::timestamptz, :after_id::text)
ORDER BY e.first_site_id, e.created_at, e.id
LIMIT :limit::bigint;

-- name: stored_engagements(engagement_ids)
-- Returns the stored rows. The program compares them with records, which takes a tenth of the time of passing the
-- records to PostgreSQL as JSON.
SELECT e.id, e.legs_fetched_at IS NOT NULL AS legs_known, e.missing_since IS NOT NULL AS is_missing, e.created_at,
       e.extra, @engagements.compared_e@
FROM engagements e
WHERE e.id = ANY (:engagement_ids::text[]);

-- name: compare_extra(engagement_ids, extra)
-- Returns the engagements whose stored `extra` differs.
SELECT e.id
FROM unnest(:engagement_ids::text[], :extra::jsonb[]) AS i (id, extra)
JOIN (SELECT * FROM engagements WHERE id = ANY (:engagement_ids::text[])) e ON e.id = i.id
WHERE e.extra IS DISTINCT FROM i.extra;

-- name: compare_legs(rows, engagement_ids)
-- Returns the engagements whose stored legs differ from `rows`. A stored queue_id of NULL is no difference: a row that
-- was written before schema version 15 has none, and compare_leg_queues compares the queue.
SELECT DISTINCT coalesce(i.engagement_id, t.engagement_id) AS engagement_id
FROM json_populate_recordset(NULL::legs, :rows::json) i
FULL JOIN (SELECT * FROM legs WHERE engagement_id = ANY (:engagement_ids::text[])) t
       ON t.engagement_id = i.engagement_id AND t.id = i.id
WHERE i.engagement_id IS NULL OR t.engagement_id IS NULL OR t.queue_id <> i.queue_id
   OR (@legs.values_t@) IS DISTINCT FROM (@legs.values_i@);

-- name: compare_leg_queues(rows, engagement_ids)
-- Returns the engagements whose stored queues of legs differ from `rows`.
SELECT DISTINCT coalesce(i.engagement_id, t.engagement_id) AS engagement_id
FROM json_populate_recordset(NULL::leg_queues, :rows::json) i
FULL JOIN (SELECT * FROM leg_queues WHERE engagement_id = ANY (:engagement_ids::text[])) t
       ON t.engagement_id = i.engagement_id AND t.leg_id = i.leg_id AND t.position = i.position
WHERE i.engagement_id IS NULL OR t.engagement_id IS NULL OR t.queue_id IS DISTINCT FROM i.queue_id;

-- name: stored_legs(engagement_ids)
SELECT @legs.columns@ FROM legs WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: stored_leg_queues(engagement_ids)
SELECT engagement_id, leg_id, position, queue_id FROM leg_queues WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: stored_engagement_operators(engagement_ids)
SELECT @engagement_operators.columns@ FROM engagement_operators WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: stored_engagement_queues(engagement_ids)
SELECT engagement_id, position, queue_id FROM engagement_queues WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: stored_audio_recordings(engagement_ids)
SELECT engagement_id, position, url FROM audio_recordings WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: compare_queue_names(rows)
-- Returns the queues that are not stored or have no name, or whose stored name differs although it is not from a newer
-- engagement or listing than the name in `rows`.
SELECT i.id
FROM json_populate_recordset(NULL::queues, :rows::json) i
LEFT JOIN queues q ON q.id = i.id
WHERE q.id IS NULL
   OR (i.name IS NOT NULL AND (q.name IS NULL OR (q.name <> i.name AND q.name_as_of <= i.name_as_of)));

-- name: queue_name_sources(from, before, sites)
-- Returns the engagements created in a time range from which names of queues were read: queues.name_as_of is created_at
-- of that engagement. `sites`: all sites that listed an engagement first.
SELECT DISTINCT e.id, (extract(epoch FROM e.created_at) * 1000000)::bigint AS created_at
FROM queues q
JOIN engagements e ON e.first_site_id = ANY (:sites::text[]) AND e.created_at = q.name_as_of
WHERE q.name_as_of >= :from::timestamptz AND q.name_as_of < :before::timestamptz;

-- name: waiting_details(engagement_ids)
-- Returns the engagements whose legs are still to be fetched.
SELECT w.engagement_id
FROM unnest(:engagement_ids::text[]) AS i (id)
JOIN work_items w ON w.engagement_id = i.id AND w.kind = 'detail' AND w.item = '' AND w.waiting;

-- name: row_versions(engagement_ids)
-- `read_at`: when the latest response written to the row was requested. `version`: changes whenever the row is written.
SELECT e.id, (extract(epoch FROM greatest(e.fetched_at, e.legs_fetched_at)) * 1000000)::bigint AS read_at,
       concat_ws('/', e.fetched_at, e.legs_fetched_at, e.changed_at, e.core_hash) AS version
FROM engagements e
WHERE e.id = ANY (:engagement_ids::text[]);

-- name: distrust_engagements(engagement_ids)
-- Clears list_hash of these rows and replaces the other hashes by one that no record has, so that the next commit does
-- not take the records for unchanged. Returns the ids that are stored.
UPDATE engagements e
SET core_hash = '\x0200000000000000000000000000000000', list_hash = NULL,
    legs_hash = CASE WHEN e.legs_hash IS NOT NULL THEN '\x0200000000000000000000000000000000'::bytea END
WHERE e.id = ANY (:engagement_ids::text[])
RETURNING e.id;

-- name: mark_engagements_missing(engagement_ids, asked_at, now)
-- Marks engagements as missing at the source, except those with a response that was requested after `asked_at`. Returns
-- the marked ones. A later response that shows a marked engagement is written, even if unchanged, and ends the mark.
-- `asked_at`: when the response that denies the engagement was requested, by the API server's clock. `now`: the time of
-- the transaction.
UPDATE engagements e
SET missing_since = :now::timestamptz, changed_at = :now::timestamptz, fetched_at = n.asked_at,
    core_hash = '\x0200000000000000000000000000000000', list_hash = NULL
FROM unnest(:engagement_ids::text[], :asked_at::timestamptz[]) AS n (id, asked_at)
WHERE e.id = n.id AND e.id = ANY (:engagement_ids::text[]) AND e.missing_since IS NULL AND e.fetched_at <= n.asked_at
RETURNING e.id;

-- name: add_verifications(range_from, range_to, day, sites, listed, stored, missing, different, gone, repaired,
--     legs_read)
-- Saves the results of one day in a run of `verify`. The arrays have one element per site.
INSERT INTO verifications (range_from, range_to, day, site_id, listed, stored, missing, different, gone, repaired,
                           legs_read)
SELECT :range_from::timestamptz, :range_to::timestamptz, (:day::timestamptz AT TIME ZONE 'UTC')::date, v.*
FROM unnest(:sites::text[], :listed::bigint[], :stored::bigint[], :missing::bigint[], :different::bigint[],
            :gone::bigint[], :repaired::bigint[], :legs_read::bigint[]) AS v;

-- name: prune_verifications(keep_seconds, after_id, limit)
-- Checks a page of rows in the order of their ids, and deletes those older than `keep_seconds` except the newest row of
-- each site and day. Returns the id after which the next page begins; NULL if the page reached the end of the table or
-- a row that is not so old.
WITH page AS (SELECT v.id, v.site_id, v.day,
                     v.verified_at < now() - make_interval(secs => :keep_seconds::float8) AS is_old
              FROM verifications v
              WHERE v.id > :after_id::bigint
              ORDER BY v.id
              LIMIT :limit::bigint),
     pruned AS (DELETE FROM verifications d
                USING page p
                WHERE d.id = p.id AND p.is_old
                  AND EXISTS (SELECT FROM verifications y
                              WHERE y.site_id = p.site_id AND y.day = p.day AND y.id > p.id))
SELECT CASE WHEN count(*) = :limit::bigint AND bool_and(p.is_old) THEN max(p.id) END AS next_after_id FROM page p;

-- name: status_verified(sites)
-- Returns through when each site has been verified: the end of its newest day without unrepaired differences.
SELECT i.site_id,
       (extract(epoch
                FROM least((v.day + 1)::timestamp AT TIME ZONE 'UTC',
                           v.range_to)) * 1000000)::bigint AS verified_through,
       (extract(epoch FROM v.verified_at) * 1000000)::bigint AS verified_at
FROM unnest(:sites::text[]) AS i (site_id)
CROSS JOIN LATERAL (SELECT * FROM verifications y
                    WHERE y.site_id = i.site_id AND y.missing + y.different + y.gone = y.repaired
                    ORDER BY y.site_id, y.day DESC, y.id DESC
                    LIMIT 1) v;

-- name: history_verifications
-- Returns the latest result of the newest verified day of each site.
SELECT s.site_id, v.day - date '1970-01-01' AS day, v.listed, v.stored, v.missing, v.different, v.gone, v.repaired,
       (extract(epoch FROM v.verified_at) * 1000000)::bigint AS verified_at
FROM sync_state s
CROSS JOIN LATERAL (SELECT * FROM verifications y
                    WHERE y.site_id = s.site_id
                    ORDER BY y.site_id DESC, y.day DESC, y.id DESC
                    LIMIT 1) v
WHERE s.stream = 'engagements';

-- name: status_missing
-- Counts the engagements that the source no longer has, by the site that listed them first.
SELECT e.first_site_id AS site_id, count(*) AS engagements
FROM engagements e
WHERE e.missing_since IS NOT NULL
GROUP BY e.first_site_id;
