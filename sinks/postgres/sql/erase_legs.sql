-- $1 engagements
DELETE FROM legs WHERE engagement_id = ANY ($1::text[]);
