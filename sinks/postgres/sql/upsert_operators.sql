-- $1 rows of operators as a JSON array, $2 the time of the transaction
INSERT INTO operators AS o (@operators.columns@, first_seen_at, changed_at)
SELECT @operators.values_i@, $2::timestamptz, $2::timestamptz
FROM json_populate_recordset(NULL::operators, $1::json) i
ORDER BY i.id
ON CONFLICT (id) DO UPDATE
SET @operators.set_excluded@, changed_at = excluded.changed_at
WHERE o.fetched_at <= excluded.fetched_at
RETURNING id;
