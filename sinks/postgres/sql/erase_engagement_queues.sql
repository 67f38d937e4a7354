-- $1 engagements
DELETE FROM engagement_queues WHERE engagement_id = ANY ($1::text[]);
