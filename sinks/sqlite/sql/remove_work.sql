-- ?1 engagement, ?2 fetched_at
DELETE FROM detail_queue WHERE engagement_id = ?1 AND wanted_after <= ?2;
