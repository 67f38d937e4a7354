-- $1 before when
DELETE FROM queue_wait_samples WHERE sampled_at < $1::timestamptz;
