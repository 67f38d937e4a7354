-- Jobs that fetch details, transcripts and recordings (work_items), and ongoing engagements, which are fetched again
-- until they end. The arrays of a statement are parallel: job n is engagement_ids[n], items[n], ….

-- name: enqueue_work(engagement_ids, kinds, items, created_at, fetched_at)
-- Enqueues work for engagements that this transaction writes. An existing job is enqueued again: a response requested
-- before `fetched_at` does not complete it. A recording is fetched once.
-- `created_at`: of the engagements. `fetched_at`: of the records that queue the jobs.
INSERT INTO work_items AS w (engagement_id, kind, item, created_at, wanted_after)
SELECT i.id, i.kind, i.item, i.created_at, i.wanted_after
FROM unnest(:engagement_ids::text[], :kinds::text[], :items::text[], :created_at::timestamptz[],
            :fetched_at::timestamptz[])
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

-- name: unfetched_work(kind, engagement_ids, all)
-- Engagements whose legs or transcripts were never fetched, or all of them. A subquery, because for a join the planner
-- would scan all jobs of the kind.
SELECT e.id, '' AS item, e.created_at
FROM engagements e
WHERE e.id = ANY (:engagement_ids::text[])
  AND (:all::boolean
       OR CASE WHEN :kind::text = 'detail' THEN e.legs_fetched_at
               ELSE (SELECT w.done_at FROM work_items w
                     WHERE w.engagement_id = e.id AND w.kind = :kind::text AND w.item = '') END IS NULL);

-- name: unfetched_recordings(engagement_ids, all)
-- The same for recordings.
SELECT DISTINCT a.engagement_id AS id, a.url AS item,
       (SELECT e.created_at FROM engagements e WHERE e.id = a.engagement_id) AS created_at
FROM audio_recordings a
WHERE a.engagement_id = ANY (:engagement_ids::text[]) AND a.url <> ''
  AND (:all::boolean
       OR (SELECT w.done_at FROM work_items w
           WHERE w.engagement_id = a.engagement_id AND w.kind = 'recording' AND w.item = a.url) IS NULL);

-- name: request_work(kind, engagement_ids, items, created_at)
-- Enqueues jobs that a user requests. An existing job becomes due at once, even if it failed or is complete.
INSERT INTO work_items AS w (engagement_id, kind, item, created_at, wanted_after)
SELECT i.id, :kind::text, i.item, i.created_at, '-infinity'
FROM unnest(:engagement_ids::text[], :items::text[], :created_at::timestamptz[]) AS i (id, item, created_at)
ORDER BY i.id, i.item
ON CONFLICT (engagement_id, kind, item) DO UPDATE
SET waiting = true, next_attempt_at = '-infinity', attempts = 0, parked = false;

-- name: claim_work(kind, instance, limit, ttl_seconds)
-- Claims due jobs. The candidates are the newest jobs that were never tried, and the retries that have been due
-- longest. Of these, claims the newest. Two scans of work_items_due; neither reads jobs that are not due. No index has
-- a column that a claim changes, so a claim writes to no index.
WITH released AS (
    SELECT ARRAY(SELECT instance FROM claiming_instances WHERE released_at IS NOT NULL) AS instances
), claimed AS (
    UPDATE work_items w
    SET claimed_by = :instance::text, claimed_until = now() + make_interval(secs => :ttl_seconds::float8)
    FROM (SELECT due.engagement_id, due.item
          FROM (SELECT * FROM (SELECT f.engagement_id, f.item, f.created_at
                               FROM work_items f
                               WHERE f.kind = :kind::text AND f.waiting AND f.next_attempt_at = '-infinity'
                                 AND (f.claimed_until IS NULL OR f.claimed_until <= now()
                                      OR f.claimed_by = ANY ((SELECT instances FROM released)::text[]))
                               ORDER BY f.kind, f.next_attempt_at, f.created_at DESC
                               LIMIT :limit::bigint
                               FOR UPDATE SKIP LOCKED) untried
                UNION ALL
                SELECT * FROM (SELECT f.engagement_id, f.item, f.created_at
                               FROM work_items f
                               WHERE f.kind = :kind::text AND f.waiting AND f.next_attempt_at > '-infinity'
                                 AND f.next_attempt_at <= now()
                                 AND (f.claimed_until IS NULL OR f.claimed_until <= now()
                                      OR f.claimed_by = ANY ((SELECT instances FROM released)::text[]))
                               ORDER BY f.kind, f.next_attempt_at, f.created_at DESC
                               LIMIT :limit::bigint
                               FOR UPDATE SKIP LOCKED) retries) due
          ORDER BY due.created_at DESC
          LIMIT :limit::bigint) c
    WHERE w.engagement_id = c.engagement_id AND w.kind = :kind::text AND w.item = c.item
    RETURNING w.engagement_id, w.item, w.attempts, w.claimed_until
), claiming AS (
    INSERT INTO claiming_instances AS i (instance, claims_until)
    SELECT :instance::text, max(claimed_until) FROM claimed HAVING count(*) > 0
    ON CONFLICT (instance) DO UPDATE
    SET claims_until = greatest(i.claims_until, excluded.claims_until), released_at = NULL
)
SELECT engagement_id, item, attempts, (SELECT max(version) FROM schema_version) AS schema_version FROM claimed;

-- name: lock_engagement(engagement_id)
-- Prevents the engagement's erasure until the commit. Returns no row if it was erased.
SELECT e.id FROM engagements e WHERE e.id = :engagement_id::text FOR KEY SHARE;

-- name: lock_claimed_work(kind, engagement_ids, items, instance)
-- Which of these jobs the instance still claims. Locks them until the commit, in the order of the ids, so that two
-- writers never deadlock. Returns no row for a job whose engagement was erased or that is complete.
SELECT w.engagement_id, w.item, w.claimed_by IS NOT DISTINCT FROM :instance::text AS held
FROM work_items w
JOIN unnest(:engagement_ids::text[], :items::text[]) AS i (id, item) ON w.engagement_id = i.id AND w.item = i.item
WHERE w.kind = :kind::text
ORDER BY w.engagement_id, w.item
FOR UPDATE OF w;

-- name: renew_work(kind, engagement_ids, items, instance, ttl_seconds)
WITH renewed AS (
    UPDATE work_items w SET claimed_until = now() + make_interval(secs => :ttl_seconds::float8)
    FROM unnest(:engagement_ids::text[], :items::text[]) AS i (id, item)
    WHERE w.engagement_id = i.id AND w.kind = :kind::text AND w.item = i.item
      AND w.claimed_by = :instance::text
    RETURNING w.claimed_until
)
UPDATE claiming_instances c SET claims_until = r.claims_until
FROM (SELECT max(claimed_until) AS claims_until FROM renewed) r
WHERE c.instance = :instance::text AND c.claims_until < r.claims_until;

-- name: remove_work(kind, engagement_ids, items, fetched_at, latest_wanted_after, instance)
-- Deletes completed jobs, unless they need a response later than `fetched_at` or another instance has claimed them.
-- `latest_wanted_after`: a later time of a job comes from a wrong clock and does not count; NULL if not known.
-- Locks them in the order of the ids, so that two writers never deadlock. `instance`: NULL if the jobs were not
-- claimed.
DELETE FROM work_items w
USING (SELECT s.*
       FROM unnest(:engagement_ids::text[], :items::text[], :fetched_at::timestamptz[],
                   :latest_wanted_after::timestamptz[])
                AS s (id, item, fetched_at, latest)
       ORDER BY s.id, s.item) AS i
WHERE w.engagement_id = i.id AND w.kind = :kind::text AND w.item = i.item
  AND (w.wanted_after <= i.fetched_at OR w.wanted_after > i.latest)
  AND (w.claimed_by = :instance::text OR :instance::text IS NULL)
RETURNING w.engagement_id, w.item;

-- name: complete_work(kind, engagement_ids, items, fetched_at, latest_wanted_after, instance, paths, sizes, sha256)
-- Completes jobs that keep their row. A job that needs a response later than `fetched_at` stays due at once.
-- `latest_wanted_after`: a later time of a job comes from a wrong clock and is replaced; NULL if not known.
-- `instance`: NULL if the jobs were not claimed.
UPDATE work_items w
SET waiting = w.wanted_after > i.fetched_at AND w.wanted_after <= coalesce(i.latest, 'infinity'),
    wanted_after = CASE WHEN w.wanted_after > i.latest THEN i.fetched_at ELSE w.wanted_after END,
    done_at = i.fetched_at, attempts = 0, next_attempt_at = '-infinity',
    parked = false, last_error = NULL, last_error_at = NULL, claimed_by = NULL, claimed_until = NULL,
    path = i.path, size_bytes = i.size_bytes, sha256 = i.sha256
FROM unnest(:engagement_ids::text[], :items::text[], :fetched_at::timestamptz[], :latest_wanted_after::timestamptz[],
            :paths::text[], :sizes::bigint[], :sha256::text[])
         AS i (id, item, fetched_at, latest, path, size_bytes, sha256)
WHERE w.engagement_id = i.id AND w.kind = :kind::text AND w.item = i.item
  AND (w.claimed_by = :instance::text OR :instance::text IS NULL)
RETURNING w.engagement_id, w.item;

-- name: fail_work(kind, engagement_ids, items, errors, retry_in_seconds, parked, attempted)
-- Releases jobs that failed or were not attempted. `errors`: NULL for jobs without an error.
UPDATE work_items w
SET claimed_by = NULL,
    claimed_until = NULL,
    attempts = w.attempts + CASE WHEN i.attempted THEN 1 ELSE 0 END,
    next_attempt_at = CASE WHEN i.attempted THEN now() + make_interval(secs => i.retry_in) ELSE w.next_attempt_at END,
    last_error = CASE WHEN i.attempted THEN coalesce(i.error, w.last_error) ELSE w.last_error END,
    last_error_at = CASE WHEN i.attempted AND i.error IS NOT NULL THEN now() ELSE w.last_error_at END,
    parked = CASE WHEN i.attempted THEN i.parked ELSE w.parked END
FROM unnest(:engagement_ids::text[], :items::text[], :errors::text[], :retry_in_seconds::float8[], :parked::boolean[],
            :attempted::boolean[])
         AS i (id, item, error, retry_in, parked, attempted)
WHERE w.engagement_id = i.id AND w.kind = :kind::text AND w.item = i.item;

-- name: work_due(kind)
SELECT count(*) FROM work_items WHERE kind = :kind::text AND waiting AND next_attempt_at <= now();

-- name: set_ongoing(engagement_ids, created_at, wait_seconds)
-- Records ongoing engagements, which are fetched again after `wait_seconds`.
INSERT INTO ongoing_engagements AS o (engagement_id, created_at, next_fetch_at)
SELECT i.id, i.created_at, now() + make_interval(secs => i.wait)
FROM unnest(:engagement_ids::text[], :created_at::timestamptz[], :wait_seconds::float8[]) AS i (id, created_at, wait)
ORDER BY i.id
ON CONFLICT (engagement_id) DO UPDATE SET next_fetch_at = excluded.next_fetch_at;

-- name: clear_ongoing(engagement_ids)
-- Removes engagements that have ended.
DELETE FROM ongoing_engagements WHERE engagement_id = ANY (:engagement_ids::text[]);

-- name: enqueue_ongoing(all)
-- Enqueues ongoing engagements that are due, or all of them. set_ongoing makes them due again when the response is
-- stored.
WITH due AS (
    UPDATE ongoing_engagements
    SET next_fetch_at = now() + interval '10 minutes'
    WHERE next_fetch_at <= CASE WHEN :all::boolean THEN 'infinity' ELSE now() END
    RETURNING engagement_id, created_at
)
INSERT INTO work_items (kind, engagement_id, created_at, wanted_after)
SELECT 'detail', engagement_id, created_at, '-infinity' FROM due ORDER BY engagement_id
ON CONFLICT DO NOTHING;
