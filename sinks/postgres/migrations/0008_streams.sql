-- Version 8: state is kept by stream and site. A stream is a kind of record that is read on its own: engagements, later
-- operators, sites, queues and statistics. What is there belongs to the engagements: a column with a constant default
-- rewrites no table, and the keys are those of small tables, but for one index on sync_runs.

ALTER TABLE sync_state ADD COLUMN stream text COLLATE "C" NOT NULL DEFAULT 'engagements';
ALTER TABLE sync_state DROP CONSTRAINT sync_state_pkey;
ALTER TABLE sync_state ADD PRIMARY KEY (stream, site_id);
COMMENT ON TABLE sync_state IS 'One row per stream and site: how far it has been read, the open pass, and who is reading it.';
COMMENT ON COLUMN sync_state.stream IS 'What is read of the site: engagements, operators, sites, queues or statistics.';

ALTER TABLE revisit_state ADD COLUMN stream text COLLATE "C" NOT NULL DEFAULT 'engagements';
ALTER TABLE revisit_state DROP CONSTRAINT revisit_state_pkey;
ALTER TABLE revisit_state ADD PRIMARY KEY (stream, site_id, back_seconds);
COMMENT ON TABLE revisit_state IS 'When each revisit tier of a stream and site was last read to its end.';
COMMENT ON COLUMN revisit_state.stream IS 'See sync_state.stream.';

ALTER TABLE sync_runs ADD COLUMN stream text COLLATE "C" NOT NULL DEFAULT 'engagements';
COMMENT ON COLUMN sync_runs.stream IS 'What was read: engagements, operators, sites, queues or statistics.';
-- Leases of two streams of a site may have the same epoch.
DROP INDEX sync_runs_once;
CREATE UNIQUE INDEX sync_runs_once ON sync_runs (site_id, stream, mode, lease_epoch, started_at, window_from) WHERE error IS NULL;

-- One row for each site still: the tables of analysts hold engagements.
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
