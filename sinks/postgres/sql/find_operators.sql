-- Listed again. $1 operators, $2 the time of the transaction
UPDATE operators SET missing_since = NULL, changed_at = $2::timestamptz
WHERE id = ANY($1::text[]) AND missing_since IS NOT NULL;
