-- The last run of the site failed in the same way. ?1 mode, ?2 site, ?3 error, ?4 stream
UPDATE sync_runs SET finished_at = now()
WHERE id = (SELECT id FROM sync_runs WHERE site_id = ?2 AND stream = ?4 ORDER BY id DESC LIMIT 1) AND mode = ?1 AND error = ?3;
