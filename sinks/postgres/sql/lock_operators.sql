-- Whoever changes the sites of an operator decides alone whether a listing still shows it. $1 operators
SELECT id FROM operators WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE;
