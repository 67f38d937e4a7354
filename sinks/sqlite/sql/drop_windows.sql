DELETE FROM backfill_windows WHERE backfill_id = ?1;
