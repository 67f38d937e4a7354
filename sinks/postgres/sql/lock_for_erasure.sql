-- Waits for whoever writes these engagements now; in the order of their ids, as writers do. $1 ids
SELECT id FROM engagements WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE;
