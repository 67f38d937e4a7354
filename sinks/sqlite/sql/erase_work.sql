DELETE FROM detail_queue WHERE engagement_id = ?1;
