-- $1 engagements
DELETE FROM leg_queues WHERE engagement_id = ANY ($1::text[]);
