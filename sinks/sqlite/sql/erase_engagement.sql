DELETE FROM engagements WHERE id = ?1;
