-- $1 engagements, $2 owner, $3 seconds
UPDATE detail_queue SET claimed_until = now() + make_interval(secs => $3::float8)
WHERE engagement_id = ANY ($1::text[]) AND claimed_by = $2;
