-- $1 before when, $2 how many at most
DELETE FROM rejected_records
WHERE id IN (SELECT id FROM rejected_records WHERE last_seen_at < $1::timestamptz ORDER BY id LIMIT $2::bigint);
