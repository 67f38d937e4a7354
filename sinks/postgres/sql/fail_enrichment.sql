-- $1 engagement, $2 kind, $3 item, $4 error (NULL: none), $5 seconds until the next attempt, $6 whether it counts
UPDATE enrichments
SET attempts = attempts + (CASE WHEN $6::boolean THEN 1 ELSE 0 END),
    next_attempt_at = now() + make_interval(secs => $5::float8),
    last_error = coalesce($4::text, last_error),
    last_error_at = CASE WHEN $4::text IS NULL THEN last_error_at ELSE now() END,
    claimed_by = NULL, claimed_until = NULL
WHERE engagement_id = $1::text AND kind = $2::text AND item = $3::text;
