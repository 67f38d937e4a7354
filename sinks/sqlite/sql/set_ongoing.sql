-- ?1 engagement, ?2 its created_at, ?3 microseconds
INSERT INTO ongoing_engagements (engagement_id, created_at, next_fetch_at) VALUES (?1, ?2, now() + ?3)
ON CONFLICT (engagement_id) DO UPDATE SET next_fetch_at = excluded.next_fetch_at;
