-- $1 operators
DELETE FROM operators WHERE id = ANY($1::text[]);
