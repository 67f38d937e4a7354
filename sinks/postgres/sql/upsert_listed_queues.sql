-- The name of an engagement that was created or read after the listing was asked for stays.
-- $1 rows of queues as a JSON array
INSERT INTO queues AS q (@queues.columns@, name_as_of, name_fetched_at)
SELECT @queues.values_i@, i.listed_at, i.listed_at
FROM json_populate_recordset(NULL::queues, $1::json) i
ORDER BY i.id
ON CONFLICT (id) DO UPDATE
SET @queues.set_listed@,
    name = CASE WHEN excluded.name IS NOT NULL AND q.name_fetched_at <= excluded.listed_at THEN excluded.name ELSE q.name END,
    name_as_of = CASE WHEN excluded.name IS NOT NULL AND q.name_fetched_at <= excluded.listed_at
                      THEN greatest(q.name_as_of, excluded.listed_at) ELSE q.name_as_of END,
    name_fetched_at = CASE WHEN excluded.name IS NOT NULL THEN greatest(q.name_fetched_at, excluded.listed_at) ELSE q.name_fetched_at END
WHERE q.listed_at IS NULL OR q.listed_at <= excluded.listed_at
RETURNING id;
