-- $1 engagements
DELETE FROM work_items WHERE engagement_id = ANY ($1::text[]) AND kind = 'detail';
