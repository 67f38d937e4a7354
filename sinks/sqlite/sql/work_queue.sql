-- Jobs that fetch details (detail_queue), and ongoing engagements, which are fetched again until they end.

-- name: enqueue_work(engagement, created_at, fetched_at)
-- `fetched_at`: when the response that queues the job was requested. An older response does not complete the job.
INSERT INTO detail_queue (engagement_id, created_at, wanted_after, next_attempt_at)
VALUES (:engagement, :created_at, :fetched_at, now())
ON CONFLICT (engagement_id) DO UPDATE
SET wanted_after = max(wanted_after, excluded.wanted_after), next_attempt_at = min(next_attempt_at, now()),
    attempts = 0, parked = 0;

-- name: claim_work(instance, limit, ttl_microseconds)
UPDATE detail_queue SET claimed_by = :instance, claimed_until = now() + :ttl_microseconds
WHERE engagement_id IN (
    SELECT engagement_id FROM detail_queue
    WHERE next_attempt_at <= now() AND (claimed_until IS NULL OR claimed_until <= now())
    ORDER BY created_at DESC LIMIT :limit)
RETURNING engagement_id, attempts;

-- name: lock_claimed_work(engagement_ids, instance)
SELECT d.engagement_id FROM json_each(:engagement_ids) i JOIN detail_queue d ON d.engagement_id = i.value
WHERE d.claimed_by = :instance;

-- name: renew_work(engagement_ids, instance, ttl_microseconds)
UPDATE detail_queue SET claimed_until = now() + :ttl_microseconds
WHERE claimed_by = :instance AND engagement_id IN (SELECT value FROM json_each(:engagement_ids));

-- name: remove_work(engagement, fetched_at, latest_wanted_after)
-- `latest_wanted_after`: a later time of the job comes from a wrong clock and does not count; NULL if not known.
DELETE FROM detail_queue
WHERE engagement_id = :engagement AND (wanted_after <= :fetched_at OR wanted_after > :latest_wanted_after);

-- name: complete_work(engagement)
-- The job was fetched, but needs a later response: it is due at once.
UPDATE detail_queue
SET claimed_by = NULL, claimed_until = NULL, next_attempt_at = now(), attempts = 0, parked = 0, last_error = NULL
WHERE engagement_id = :engagement;

-- name: fail_work(engagement, attempted, error, retry_in_microseconds, parked)
UPDATE detail_queue
SET claimed_by = NULL, claimed_until = NULL,
    attempts = attempts + :attempted,
    next_attempt_at = CASE WHEN :attempted THEN now() + :retry_in_microseconds ELSE next_attempt_at END,
    last_error = CASE WHEN :attempted THEN :error ELSE last_error END,
    parked = CASE WHEN :attempted THEN :parked ELSE parked END
WHERE engagement_id = :engagement;

-- name: work_due
SELECT count(*) FROM detail_queue WHERE next_attempt_at <= now();

-- name: set_ongoing(engagement, created_at, wait_microseconds)
INSERT INTO ongoing_engagements (engagement_id, created_at, next_fetch_at)
VALUES (:engagement, :created_at, now() + :wait_microseconds)
ON CONFLICT (engagement_id) DO UPDATE SET next_fetch_at = excluded.next_fetch_at;

-- name: clear_ongoing(engagement)
DELETE FROM ongoing_engagements WHERE engagement_id = :engagement;

-- name: enqueue_due_ongoing(all)
-- Uses the lowest wanted_after, so that any response completes the job, unless a list item enqueues it again.
INSERT INTO detail_queue (engagement_id, created_at, wanted_after, next_attempt_at)
SELECT engagement_id, created_at, -9223372036854775807, now() FROM ongoing_engagements
WHERE next_fetch_at <= now() OR :all
ON CONFLICT DO NOTHING;

-- name: postpone_ongoing(all)
UPDATE ongoing_engagements SET next_fetch_at = now() + 600000000 WHERE next_fetch_at <= now() OR :all;
