-- $1 kind, $2 engagements, $3 items, $4 owner, $5 seconds
UPDATE work_items w SET claimed_until = now() + make_interval(secs => $5::float8)
FROM unnest($2::text[], $3::text[]) AS i (id, item)
WHERE w.engagement_id = i.id AND w.kind = $1::text AND w.item = i.item AND w.claimed_by = $4::text;
