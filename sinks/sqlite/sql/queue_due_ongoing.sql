-- Asked for earlier than anything: whatever a list item wants counts more. ?1 all of them
INSERT INTO detail_queue (engagement_id, created_at, wanted_after, next_attempt_at)
SELECT engagement_id, created_at, -9223372036854775807, now() FROM ongoing_engagements WHERE next_fetch_at <= now() OR ?1
ON CONFLICT DO NOTHING;
