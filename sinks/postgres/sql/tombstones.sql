-- Tombstones (table forgotten): digests of the ids that were forgotten. A tombstone is (kind, digest).

-- name: any_tombstone
-- Returns whether there is a tombstone. The SELECT's table lock prevents other transactions from adding one before the
-- commit (lock_forgotten).
SELECT EXISTS (SELECT FROM forgotten) AS something;

-- name: forgotten(kinds, digests)
-- Which of these ids have a tombstone. Returns their positions in the arrays, from 1.
SELECT i.number
FROM unnest(:kinds::text[], :digests::bytea[]) WITH ORDINALITY AS i (kind, mark, number)
WHERE EXISTS (SELECT FROM forgotten f WHERE f.kind = i.kind AND f.mark = i.mark);

-- name: lock_forgotten
-- Waits for every transaction that has read `forgotten`, and blocks other readers until the commit. So every
-- transaction that writes records sees all tombstones.
LOCK TABLE forgotten IN ACCESS EXCLUSIVE MODE;

-- name: add_forgotten(kinds, digests)
INSERT INTO forgotten (kind, mark)
SELECT i.kind, i.mark FROM unnest(:kinds::text[], :digests::bytea[]) AS i (kind, mark)
ON CONFLICT DO NOTHING;

-- name: import_tombstones(kinds, digests, forgotten_at)
-- `forgotten_at`: NULL for now.
INSERT INTO forgotten (kind, mark, forgotten_at)
SELECT i.kind, i.mark, coalesce(i.forgotten_at, now())
FROM unnest(:kinds::text[], :digests::bytea[], :forgotten_at::timestamptz[]) AS i (kind, mark, forgotten_at)
ON CONFLICT DO NOTHING;

-- name: list_tombstones(after_kind, after_digest, limit)
SELECT kind, mark, (extract(epoch FROM forgotten_at) * 1000000)::bigint AS forgotten_at
FROM forgotten
WHERE (kind, mark) > (:after_kind::text, :after_digest::bytea)
ORDER BY kind, mark
LIMIT :limit::bigint;

-- name: order_tombstone_scan
-- Requests a scan of the tables for imported tombstones. Each import adds its own request, so that the end of one scan
-- does not remove the request of a later import.
INSERT INTO erasures (kind, id) VALUES ('tombstones', clock_timestamp()::text) ON CONFLICT DO NOTHING;

-- name: engagements_after(after_id, limit)
-- For the scan: engagements by id.
SELECT id, visitor_id FROM engagements WHERE id > :after_id::text ORDER BY id LIMIT :limit::bigint;

-- name: rejected_after(after_id, limit)
-- For the scan: rejected records by id.
SELECT id, engagement_id, source, payload FROM rejected_records
WHERE id > :after_id::bigint ORDER BY id LIMIT :limit::bigint;

-- name: operators_after(after_id, limit)
-- For the scan: operators by id.
SELECT id FROM operators WHERE id > :after_id::text ORDER BY id LIMIT :limit::bigint;
