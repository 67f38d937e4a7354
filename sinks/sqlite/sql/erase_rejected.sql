DELETE FROM rejected_records WHERE engagement_id = ?1;
