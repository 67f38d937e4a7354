-- Engagements that go on. $1 engagements, $2 their created_at, $3 seconds until they are fetched again
INSERT INTO ongoing_engagements AS o (engagement_id, created_at, next_fetch_at)
SELECT i.id, i.created_at, now() + make_interval(secs => i.wait)
FROM unnest($1::text[], $2::timestamptz[], $3::float8[]) AS i (id, created_at, wait)
ORDER BY i.id
ON CONFLICT (engagement_id) DO UPDATE SET next_fetch_at = excluded.next_fetch_at;
