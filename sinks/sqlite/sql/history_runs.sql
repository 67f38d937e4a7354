SELECT mode, site_id, started_at, finished_at, pages, engagements, rejected, error, stream, window_from, window_to, requests
FROM sync_runs ORDER BY id DESC LIMIT ?1;
