-- These engagements were loaded, so what was rejected of them is settled. $1 engagements
UPDATE rejected_records SET resolved_at = now() WHERE engagement_id = ANY ($1::text[]) AND resolved_at IS NULL;
