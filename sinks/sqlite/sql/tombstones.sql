-- Tombstones (table forgotten): digests of the ids that were forgotten.

-- name: any_forgotten
SELECT EXISTS (SELECT 1 FROM forgotten);

-- name: is_forgotten(engagement_digest, kind, digests)
-- `digests`: of a person of this kind, visitor or operator.
SELECT EXISTS (SELECT 1 FROM forgotten WHERE kind = 'engagement' AND mark = :engagement_digest)
    OR EXISTS (SELECT 1 FROM json_each(:digests) i JOIN forgotten f ON f.kind = :kind AND f.mark = i.value);

-- name: is_operator_forgotten(operator_digest)
SELECT EXISTS (SELECT 1 FROM forgotten WHERE kind = 'operator' AND mark = :operator_digest);

-- name: add_forgotten(kind, digest)
INSERT INTO forgotten (kind, mark) VALUES (:kind, :digest) ON CONFLICT DO NOTHING;

-- name: list_tombstones(after_kind, after_digest, limit)
SELECT kind, mark FROM forgotten WHERE (kind, mark) > (:after_kind, :after_digest) ORDER BY kind, mark LIMIT :limit;

-- name: engagements_after(after_id, limit)
SELECT id, visitor_mark FROM engagements WHERE id > :after_id ORDER BY id LIMIT :limit;

-- name: known_operators
SELECT DISTINCT id FROM directory_entries WHERE stream = 'operators';

-- name: rejected_after(after_id, limit)
SELECT id, engagement_id, payload, source FROM rejected_records WHERE id > :after_id ORDER BY id LIMIT :limit;
