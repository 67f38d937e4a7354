-- $1 engagements
DELETE FROM detail_queue WHERE engagement_id = ANY ($1::text[]);
