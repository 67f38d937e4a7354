-- Which of these engagements go on, and of which was a record rejected that is not settled? $1 engagements
SELECT o.engagement_id, true AS ongoing FROM ongoing_engagements o WHERE o.engagement_id = ANY ($1::text[])
UNION ALL
SELECT r.engagement_id, false FROM rejected_records r WHERE r.engagement_id = ANY ($1::text[]) AND r.resolved_at IS NULL;
