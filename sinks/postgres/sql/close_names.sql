-- Names that are no longer those. $1 kind, $2 ids, $3 their names now, $4 when the listing was asked for
UPDATE name_history h SET valid_to = greatest(h.valid_from, $4::timestamptz)
FROM unnest($2::text[], $3::text[]) AS n (id, name)
WHERE h.kind = $1 AND h.id = n.id AND h.valid_to IS NULL AND h.name IS DISTINCT FROM n.name;
