-- ?1 engagement, ?2 its created_at, ?3 fetched_at of the list item
INSERT INTO detail_queue (engagement_id, created_at, wanted_after, next_attempt_at) VALUES (?1, ?2, ?3, now())
ON CONFLICT (engagement_id) DO UPDATE
SET wanted_after = max(wanted_after, excluded.wanted_after), next_attempt_at = min(next_attempt_at, now()), attempts = 0,
    parked = 0;
