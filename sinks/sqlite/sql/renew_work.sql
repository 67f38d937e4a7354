-- ?1 engagements, ?2 owner, ?3 microseconds
UPDATE detail_queue SET claimed_until = now() + ?3
WHERE claimed_by = ?2 AND engagement_id IN (SELECT value FROM json_each(?1));
