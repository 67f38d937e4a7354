-- A row from the configuration gives way to what the API tells, not the other way round.
-- $1 rows of sites as a JSON array, $2 the time of the transaction
INSERT INTO sites AS s (@sites.columns@, first_seen_at, changed_at)
SELECT @sites.values_i@, $2::timestamptz, $2::timestamptz
FROM json_populate_recordset(NULL::sites, $1::json) i
ORDER BY i.id
ON CONFLICT (id) DO UPDATE
SET @sites.set_excluded@, changed_at = excluded.changed_at
WHERE s.fetched_at IS NULL OR s.fetched_at <= excluded.fetched_at
RETURNING id;
