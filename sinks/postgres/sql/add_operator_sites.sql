-- $1 operators, $2 site
INSERT INTO operator_sites (operator_id, site_id) SELECT o, $2 FROM unnest($1::text[]) o ON CONFLICT DO NOTHING;
