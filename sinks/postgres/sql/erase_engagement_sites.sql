-- $1 engagements
DELETE FROM engagement_sites WHERE engagement_id = ANY ($1::text[]);
