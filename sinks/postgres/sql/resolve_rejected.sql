-- These engagements were loaded, so what was rejected of them is settled; a list item without legs says nothing of a
-- detail. $1 engagements loaded with their legs, $2 engagements loaded without
UPDATE rejected_records SET resolved_at = now()
WHERE resolved_at IS NULL
  AND (engagement_id = ANY ($1::text[]) OR engagement_id = ANY ($2::text[]) AND source = 'list');
