-- Children without their engagement, and its place in the queue, as somebody who deletes by hand leaves them, would stand
-- in the way of new ones.
-- $1 engagements that are not stored
WITH a AS (DELETE FROM engagement_sites t WHERE t.engagement_id = ANY ($1::text[])),
     b AS (DELETE FROM engagement_operators t WHERE t.engagement_id = ANY ($1::text[])),
     c AS (DELETE FROM engagement_queues t WHERE t.engagement_id = ANY ($1::text[])),
     d AS (DELETE FROM audio_recordings t WHERE t.engagement_id = ANY ($1::text[])),
     e AS (DELETE FROM leg_queues t WHERE t.engagement_id = ANY ($1::text[])),
     f AS (DELETE FROM detail_queue t WHERE t.engagement_id = ANY ($1::text[]))
DELETE FROM legs t WHERE t.engagement_id = ANY ($1::text[]);
