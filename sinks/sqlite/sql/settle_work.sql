-- Fetched, but something newer is wanted: free to be fetched at once. ?1 engagement
UPDATE detail_queue SET claimed_by = NULL, claimed_until = NULL, next_attempt_at = now(), attempts = 0, parked = 0, last_error = NULL
WHERE engagement_id = ?1;
