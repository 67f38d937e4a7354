-- $1 operators
DELETE FROM operator_sites WHERE operator_id = ANY($1::text[]);
