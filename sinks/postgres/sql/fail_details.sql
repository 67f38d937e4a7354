-- Details that could not be loaded, or were handed back untouched.
-- $1 engagements, $2 errors, $3 seconds until the next attempt, $4 parked, $5 attempted
UPDATE detail_queue d
SET claimed_by = NULL,
    claimed_until = NULL,
    attempts = d.attempts + CASE WHEN i.attempted THEN 1 ELSE 0 END,
    next_attempt_at = CASE WHEN i.attempted THEN now() + make_interval(secs => i.retry_in) ELSE d.next_attempt_at END,
    last_error = CASE WHEN i.attempted THEN i.error ELSE d.last_error END,
    last_error_at = CASE WHEN i.attempted THEN now() ELSE d.last_error_at END,
    parked = CASE WHEN i.attempted THEN i.parked ELSE d.parked END
FROM unnest($1::text[], $2::text[], $3::float8[], $4::boolean[], $5::boolean[])
         AS i (id, error, retry_in, parked, attempted)
WHERE d.engagement_id = i.id;
