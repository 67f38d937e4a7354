-- $1 kind, $2 ids
DELETE FROM erasures WHERE kind = $1::text AND id = ANY ($2::text[]);
