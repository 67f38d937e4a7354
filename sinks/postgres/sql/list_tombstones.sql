-- $1 kind and $2 mark of the last one before, $3 how many at most
SELECT kind, mark, (extract(epoch FROM forgotten_at) * 1000000)::bigint AS forgotten_at
FROM forgotten
WHERE (kind, mark) > ($1::text, $2::bytea)
ORDER BY kind, mark
LIMIT $3::bigint;
