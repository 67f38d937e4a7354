-- $1 before when, $2 how many at most
DELETE FROM rejected_records
WHERE id = ANY (ARRAY (SELECT r.id FROM rejected_records r WHERE r.last_seen_at < $1::timestamptz
                       ORDER BY r.last_seen_at LIMIT $2::bigint));
