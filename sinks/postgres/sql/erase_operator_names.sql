-- $1 operators
DELETE FROM name_history WHERE kind = 'operator' AND id = ANY($1::text[]);
