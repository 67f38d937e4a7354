-- Closes a backfill, once. The windows of a finished backfill have told all they can. $1 backfill
WITH closed AS (
    UPDATE backfills SET finished_at = now() WHERE id = $1::bigint AND finished_at IS NULL RETURNING *
)
INSERT INTO sync_runs (mode, backfill_id, window_from, window_to, started_at, pages, engagements, rejected, requests)
SELECT 'backfill', c.id, c.window_from, c.window_to, c.started_at,
       sum(w.pages), sum(w.engagements), sum(w.rejected), sum(w.requests)
FROM closed c JOIN backfill_windows w ON w.backfill_id = c.id
GROUP BY c.id, c.window_from, c.window_to, c.started_at;
