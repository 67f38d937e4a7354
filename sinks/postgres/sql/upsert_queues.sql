-- A queue's name is the one on the newest engagement that carried it; of one engagement, the newest response counts.
-- Rows that win nothing are sifted out first: ON CONFLICT would lock them. $1 rows of queues as a JSON array
INSERT INTO queues AS q (id, name, name_as_of, name_fetched_at)
SELECT i.id, i.name, i.name_as_of, i.name_fetched_at
FROM json_populate_recordset(NULL::queues, $1::json) i
WHERE NOT EXISTS (
    SELECT FROM queues k
    WHERE k.id = i.id
      AND (i.name IS NULL
           OR (k.name_as_of, k.name_fetched_at) >= (i.name_as_of, i.name_fetched_at)
           OR (k.name_as_of = i.name_as_of AND k.name = i.name)))
ORDER BY i.id
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, name_as_of = excluded.name_as_of, name_fetched_at = excluded.name_fetched_at
WHERE excluded.name IS NOT NULL
  AND (q.name IS NULL OR (q.name_as_of, q.name_fetched_at) < (excluded.name_as_of, excluded.name_fetched_at));
