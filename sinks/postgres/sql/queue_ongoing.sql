-- Ongoing engagements that are due are enqueued; they come back when that response is stored.
-- $1 true: all of them
WITH due AS (
    UPDATE ongoing_engagements
    SET next_fetch_at = now() + interval '10 minutes'
    WHERE next_fetch_at <= CASE WHEN $1::boolean THEN 'infinity' ELSE now() END
    RETURNING engagement_id, created_at
)
INSERT INTO work_items (kind, engagement_id, created_at, wanted_after)
SELECT 'detail', engagement_id, created_at, '-infinity' FROM due ORDER BY engagement_id
ON CONFLICT DO NOTHING;
