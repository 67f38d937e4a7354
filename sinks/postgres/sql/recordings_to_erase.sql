-- $1 after this engagement, $2 how many at most
SELECT id FROM erasures WHERE kind = 'recordings' AND id > $1::text ORDER BY id LIMIT $2::bigint;
