-- ?1 engagements, ?2 owner
SELECT d.engagement_id FROM json_each(?1) i JOIN detail_queue d ON d.engagement_id = i.value WHERE d.claimed_by = ?2;
