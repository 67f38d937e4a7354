-- Windows of a backfill move on or are done. Writes a row less for each whose lease has passed to somebody else.
-- $1 the windows, with the epochs that they were claimed with, as a JSON array
UPDATE backfill_windows w
SET pass_started_at = c.pass_started_at,
    pass_next_page = c.pass_next_page,
    pages = c.pages,
    engagements = c.engagements,
    rejected = c.rejected,
    requests = c.requests,
    done = c.done,
    finished_at = CASE WHEN c.done THEN now() END,
    lease_owner = CASE WHEN c.done THEN NULL ELSE w.lease_owner END,
    lease_expires_at = CASE WHEN c.done THEN NULL ELSE greatest(w.lease_expires_at, now() + interval '30 seconds') END
FROM json_populate_recordset(NULL::backfill_windows, $1::json) c
WHERE w.backfill_id = c.backfill_id AND w.site_id = c.site_id AND w.window_from = c.window_from
  AND w.lease_epoch = c.lease_epoch AND (w.lease_owner IS NOT NULL OR w.done);
