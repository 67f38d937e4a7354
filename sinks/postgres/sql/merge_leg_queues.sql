-- Makes the leg queues of these engagements those of the given set (see also trim_*); rows that are right already are not written.
-- $1 the set as a JSON array
INSERT INTO leg_queues AS t (engagement_id, leg_id, position, queue_id)
SELECT engagement_id, leg_id, position, queue_id FROM json_populate_recordset(NULL::leg_queues, $1::json)
ON CONFLICT (engagement_id, leg_id, position) DO UPDATE SET queue_id = excluded.queue_id
WHERE t.queue_id IS DISTINCT FROM excluded.queue_id;
