-- $1 kinds, $2 marks
INSERT INTO forgotten (kind, mark)
SELECT i.kind, i.mark FROM unnest($1::text[], $2::bytea[]) AS i (kind, mark)
ON CONFLICT DO NOTHING;
