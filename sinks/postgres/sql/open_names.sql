-- Names that are not noted yet. $1 kind, $2 ids, $3 their names now, $4 when the listing was asked for
INSERT INTO name_history (kind, id, valid_from, name)
SELECT $1, n.id, $4::timestamptz, n.name
FROM unnest($2::text[], $3::text[]) AS n (id, name)
WHERE n.name IS NOT NULL
  AND NOT EXISTS (SELECT FROM name_history h WHERE h.kind = $1 AND h.id = n.id AND h.valid_to IS NULL)
ORDER BY n.id
ON CONFLICT (kind, id, valid_from) DO UPDATE SET name = excluded.name, valid_to = NULL;
