-- Engagements that have ended. $1 engagements
DELETE FROM ongoing_engagements WHERE engagement_id = ANY ($1::text[]);
