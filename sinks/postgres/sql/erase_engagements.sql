-- $1 engagements
DELETE FROM engagements WHERE id = ANY ($1::text[]);
