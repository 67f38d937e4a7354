-- Version 10: one work queue for details, transcripts and recordings. `enrichments` becomes it by name, so that no row of it is
-- written anew; the rows of `detail_queue`, which are few, move into it. Both names stay, as views that can be written to.

-- Writers first: those that hold rows of one queue and are about to take rows of the other have begun with the engagements.
LOCK TABLE engagements IN SHARE MODE;
LOCK TABLE detail_queue, enrichments IN ACCESS EXCLUSIVE MODE;

ALTER TABLE enrichments RENAME TO work_items;
ALTER TABLE work_items RENAME CONSTRAINT enrichments_pkey TO work_items_pkey;
ALTER INDEX enrichments_due RENAME TO work_items_due;
ALTER INDEX enrichments_claims RENAME TO work_items_claims;
ALTER TABLE work_items ALTER COLUMN kind SET DEFAULT 'detail';
ALTER TABLE work_items ALTER COLUMN item SET DEFAULT '';
ALTER TABLE work_items ADD COLUMN parked boolean NOT NULL DEFAULT false;
-- As detail_queue was: every row is written twice, when it comes and when it is claimed, and a queue is all churn.
ALTER TABLE work_items SET (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);

INSERT INTO work_items (kind, engagement_id, created_at, wanted_after, changed_at, attempts, next_attempt_at, last_error,
                        last_error_at, parked, claimed_by, claimed_until)
SELECT 'detail', engagement_id, created_at, wanted_after, enqueued_at, attempts, next_attempt_at, last_error,
       last_error_at, parked, claimed_by, claimed_until
FROM detail_queue;

COMMENT ON TABLE work_items IS 'What is to be fetched for engagements: their legs, transcripts, recordings. A fetched detail leaves, a transcript or a recording stays. State of the program.';
COMMENT ON COLUMN work_items.kind IS '`detail`: the engagement with its legs; `transcript`; `recording`.';
COMMENT ON COLUMN work_items.engagement_id IS 'engagements.id';
COMMENT ON COLUMN work_items.item IS 'Of a recording its URL at the API; else empty.';
COMMENT ON COLUMN work_items.created_at IS 'engagements.created_at: the newest are fetched first.';
COMMENT ON COLUMN work_items.wanted_after IS 'Only a response asked for at or after this time (server''s clock) settles the row.';
COMMENT ON COLUMN work_items.changed_at IS 'When it was asked for: of a detail first, of a transcript last, by engagements.changed_at.';
COMMENT ON COLUMN work_items.done_at IS 'When it was last fetched; NULL if it never was.';
COMMENT ON COLUMN work_items.waiting IS 'True while it is to be fetched.';
COMMENT ON COLUMN work_items.attempts IS 'Failed attempts in a row.';
COMMENT ON COLUMN work_items.next_attempt_at IS 'When the next attempt is due; -infinity: at once, the newest first.';
COMMENT ON COLUMN work_items.last_error IS 'Why the last attempt failed.';
COMMENT ON COLUMN work_items.last_error_at IS 'When that was.';
COMMENT ON COLUMN work_items.parked IS 'True: failed for good or too often; tried again less and less often.';
COMMENT ON COLUMN work_items.claimed_by IS 'The instance that is fetching it now.';
COMMENT ON COLUMN work_items.claimed_until IS 'When others may take it.';
COMMENT ON COLUMN work_items.path IS 'Of a recording: its file below the configured directory.';
COMMENT ON COLUMN work_items.size_bytes IS 'Of a recording: the size of its file.';
COMMENT ON COLUMN work_items.sha256 IS 'Of a recording: the SHA-256 of its file, in hexadecimal digits.';

-- The views, for operators. Whoever may do something with detail_queue may still do it.
ALTER TABLE detail_queue RENAME TO detail_queue_before;
CREATE VIEW detail_queue AS
SELECT engagement_id, created_at, wanted_after, changed_at AS enqueued_at, attempts, next_attempt_at, last_error, last_error_at,
       parked, claimed_by, claimed_until
FROM work_items
WHERE kind = 'detail' AND waiting;
CREATE VIEW enrichments AS
SELECT engagement_id, kind, item, created_at, wanted_after, changed_at, done_at, waiting, attempts, next_attempt_at, last_error,
       last_error_at, claimed_by, claimed_until, path, size_bytes, sha256
FROM work_items
WHERE kind IN ('transcript', 'recording')
WITH LOCAL CHECK OPTION;
COMMENT ON VIEW detail_queue IS 'Engagements whose legs are still to be fetched, newest first: the details in work_items.';
COMMENT ON VIEW enrichments IS 'What enrichers have to fetch and have fetched: the transcripts and recordings in work_items.';
COMMENT ON COLUMN detail_queue.enqueued_at IS 'When the row was made.';
DO $views$
DECLARE
    step text;
BEGIN
    FOR step IN
        SELECT format('GRANT %s ON %I TO %s', a.privilege_type, v.name,
                      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
        FROM (VALUES ('detail_queue', 'detail_queue_before'), ('enrichments', 'work_items')) AS v (name, was)
        JOIN pg_class c ON c.oid = v.was::regclass
        CROSS JOIN aclexplode(c.relacl) a
        WHERE a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') AND a.grantee <> c.relowner
        UNION ALL
        SELECT format('COMMENT ON COLUMN %s.%I IS %L', w.attrelid::regclass, w.attname, col_description(t.attrelid, t.attnum))
        FROM pg_attribute w
        JOIN pg_attribute t ON t.attrelid = 'work_items'::regclass AND t.attname = w.attname
        WHERE w.attrelid IN ('detail_queue'::regclass, 'enrichments'::regclass) AND w.attnum > 0
    LOOP
        EXECUTE step;
    END LOOP;
END
$views$;

-- It refers to the table still.
CREATE OR REPLACE VIEW freshness AS
SELECT s.site_id,
       s.synced_through AS complete_through,
       CASE WHEN isfinite(s.synced_through)
            THEN (extract(epoch FROM now()) - extract(epoch FROM s.synced_through))::float8 END AS lag_seconds,
       s.last_success_at,
       coalesce(r.records, 0) AS rejected,
       coalesce(d.engagements, 0) AS waiting_for_legs
FROM sync_state s
LEFT JOIN (SELECT r.site_id, count(*) AS records FROM rejected_records r WHERE r.resolved_at IS NULL GROUP BY r.site_id) r
       ON r.site_id = s.site_id
LEFT JOIN (SELECT e.site_id, count(*) AS engagements
           FROM detail_queue d JOIN engagement_sites e ON e.engagement_id = d.engagement_id GROUP BY e.site_id) d
       ON d.site_id = s.site_id
WHERE s.stream = 'engagements';
DROP TABLE detail_queue_before;
