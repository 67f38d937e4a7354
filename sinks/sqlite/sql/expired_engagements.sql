-- ?1 before when
SELECT id FROM engagements WHERE created_at < ?1 LIMIT 500;
