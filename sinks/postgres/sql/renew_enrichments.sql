-- $1 owner, $2 engagements, $3 kinds, $4 items, $5 for how many seconds
UPDATE enrichments n SET claimed_until = now() + make_interval(secs => $5::float8)
FROM unnest($2::text[], $3::text[], $4::text[]) AS i (id, kind, item)
WHERE n.engagement_id = i.id AND n.kind = i.kind AND n.item = i.item AND n.claimed_by = $1::text;
