-- $1 site
SELECT operator_id FROM operator_sites WHERE site_id = $1;
