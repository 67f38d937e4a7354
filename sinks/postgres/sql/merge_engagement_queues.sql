-- Makes the rows of these engagements equal to the given set; rows that are right already are not written.
-- $1 the set as a JSON array, $2 the engagements
WITH incoming AS (
    SELECT * FROM json_populate_recordset(NULL::engagement_queues, $1::json)
), gone AS (
    DELETE FROM engagement_queues t
    WHERE t.engagement_id = ANY ($2::text[])
      AND NOT EXISTS (SELECT FROM incoming i WHERE i.engagement_id = t.engagement_id AND i.position = t.position)
)
INSERT INTO engagement_queues AS t (engagement_id, position, queue_id)
SELECT engagement_id, position, queue_id FROM incoming
ON CONFLICT (engagement_id, position) DO UPDATE SET queue_id = excluded.queue_id
WHERE (t.queue_id) IS DISTINCT FROM (excluded.queue_id);
