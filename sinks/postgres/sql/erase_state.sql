-- What the program itself knows of these engagements. Of those that have files, the files remain to be deleted.
-- $1 engagements
WITH files AS (
    INSERT INTO erasures (kind, id)
    SELECT DISTINCT 'recordings', n.engagement_id FROM work_items n
    WHERE n.engagement_id = ANY ($1::text[]) AND n.kind = 'recording'
    ON CONFLICT DO NOTHING
),   a AS (DELETE FROM work_items t WHERE t.engagement_id = ANY ($1::text[])),
     b AS (DELETE FROM ongoing_engagements t WHERE t.engagement_id = ANY ($1::text[])),
     c AS (DELETE FROM rejected_records t WHERE t.engagement_id = ANY ($1::text[]) RETURNING 1)
SELECT count(*) AS rejected FROM c;
