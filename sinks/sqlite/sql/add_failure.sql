-- ?1 mode, ?2 site, ?3 from, ?4 to, ?5 started_at, ?6 pages, ?7 engagements, ?8 rejected, ?9 requests, ?10 error, ?11 stream
INSERT INTO sync_runs (mode, site_id, window_from, window_to, started_at, pages, engagements, rejected, requests, finished_at, error, stream)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, now(), ?10, ?11);
