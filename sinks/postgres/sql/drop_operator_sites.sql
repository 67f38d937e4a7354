-- $1 operators, $2 site
DELETE FROM operator_sites WHERE operator_id = ANY($1::text[]) AND site_id = $2;
