-- ?1 owner, ?2 how many, ?3 microseconds
UPDATE detail_queue SET claimed_by = ?1, claimed_until = now() + ?3
WHERE engagement_id IN (
    SELECT engagement_id FROM detail_queue
    WHERE next_attempt_at <= now() AND (claimed_until IS NULL OR claimed_until <= now())
    ORDER BY created_at DESC LIMIT ?2)
RETURNING engagement_id, attempts;
