DELETE FROM ongoing_engagements WHERE engagement_id = ?1;
