-- $1 kinds, $2 ids
INSERT INTO erasures (kind, id)
SELECT i.kind, i.id FROM unnest($1::text[], $2::text[]) AS i (kind, id)
ON CONFLICT DO NOTHING;
