-- $1 id, $2 how many at most
SELECT id, visitor_id FROM engagements WHERE id > $1::text ORDER BY id LIMIT $2::bigint;
