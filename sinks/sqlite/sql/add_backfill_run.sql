INSERT INTO sync_runs (mode, window_from, window_to, started_at, pages, engagements, rejected, requests, finished_at)
SELECT 'backfill', b.window_from, b.window_to, b.started_at, sum(w.pages), sum(w.engagements), sum(w.rejected),
       sum(w.requests), now()
FROM backfills b JOIN backfill_windows w ON w.backfill_id = b.id
WHERE b.id = ?1 GROUP BY b.id;
