INSERT INTO backfill_windows (backfill_id, site_id, window_from, window_to) VALUES (?1, ?2, ?3, ?4);
