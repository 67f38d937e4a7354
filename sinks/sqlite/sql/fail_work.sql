-- ?1 engagement, ?2 whether it was attempted, ?3 error, ?4 microseconds until the next attempt, ?5 parked
UPDATE detail_queue
SET claimed_by = NULL, claimed_until = NULL,
    attempts = attempts + ?2,
    next_attempt_at = CASE WHEN ?2 THEN now() + ?4 ELSE next_attempt_at END,
    last_error = CASE WHEN ?2 THEN ?3 ELSE last_error END,
    parked = CASE WHEN ?2 THEN ?5 ELSE parked END
WHERE engagement_id = ?1;
