SELECT mode, site_id, started_at, finished_at, pages, engagements, rejected, error, stream FROM sync_runs ORDER BY id DESC LIMIT ?1;
