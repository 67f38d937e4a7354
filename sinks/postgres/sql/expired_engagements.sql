-- $1 before when, $2 how many at most
SELECT id FROM engagements WHERE created_at < $1::timestamptz ORDER BY created_at LIMIT $2::bigint;
