-- Jobs that were not fetched, or were handed back untouched.
-- $1 kind, $2 engagements, $3 items, $4 errors (NULL: none), $5 seconds until the next attempt, $6 parked, $7 attempted
UPDATE work_items w
SET claimed_by = NULL,
    claimed_until = NULL,
    attempts = w.attempts + CASE WHEN i.attempted THEN 1 ELSE 0 END,
    next_attempt_at = CASE WHEN i.attempted THEN now() + make_interval(secs => i.retry_in) ELSE w.next_attempt_at END,
    last_error = CASE WHEN i.attempted THEN coalesce(i.error, w.last_error) ELSE w.last_error END,
    last_error_at = CASE WHEN i.attempted AND i.error IS NOT NULL THEN now() ELSE w.last_error_at END,
    parked = CASE WHEN i.attempted THEN i.parked ELSE w.parked END
FROM unnest($2::text[], $3::text[], $4::text[], $5::float8[], $6::boolean[], $7::boolean[])
         AS i (id, item, error, retry_in, parked, attempted)
WHERE w.engagement_id = i.id AND w.kind = $1::text AND w.item = i.item;
