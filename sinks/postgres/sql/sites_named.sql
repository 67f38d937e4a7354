-- $1 name, $2 the sites that it may be of
SELECT id FROM sites WHERE id = ANY($2::text[]) AND name = $1 ORDER BY id;
