-- $1 engagements
DELETE FROM engagement_operators WHERE engagement_id = ANY ($1::text[]);
