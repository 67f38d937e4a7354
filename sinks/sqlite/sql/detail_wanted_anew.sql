-- ?1 engagement
UPDATE detail_queue SET claimed_by = NULL, claimed_until = NULL, next_attempt_at = now() WHERE engagement_id = ?1;
