DELETE FROM backfills WHERE id = ?1;
