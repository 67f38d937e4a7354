-- Those of them that no site shows any more. $1 operators, $2 the time of the transaction
UPDATE operators o SET missing_since = $2::timestamptz, changed_at = $2::timestamptz
WHERE o.id = ANY($1::text[]) AND o.missing_since IS NULL
  AND NOT EXISTS (SELECT FROM operator_sites s WHERE s.operator_id = o.id);
