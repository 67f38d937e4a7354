-- $1 site, $2 when it was asked for, $3 seconds
INSERT INTO queue_wait_samples (site_id, sampled_at, average_duration_in_seconds)
VALUES ($1::text, $2::timestamptz, $3::bigint)
ON CONFLICT DO NOTHING;
