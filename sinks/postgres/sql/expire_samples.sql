-- $1 before when, $2 how many at most
DELETE FROM queue_wait_samples
WHERE (site_id, sampled_at) IN (SELECT site_id, sampled_at FROM queue_wait_samples WHERE sampled_at < $1::timestamptz
                                ORDER BY sampled_at LIMIT $2::bigint);
