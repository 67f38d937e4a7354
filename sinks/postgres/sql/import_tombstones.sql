-- $1 kinds, $2 marks, $3 when each was forgotten; NULL: now
INSERT INTO forgotten (kind, mark, forgotten_at)
SELECT i.kind, i.mark, coalesce(i.forgotten_at, now())
FROM unnest($1::text[], $2::bytea[], $3::timestamptz[]) AS i (kind, mark, forgotten_at)
ON CONFLICT DO NOTHING;
