-- Which of these claims are still the owner's? Held still until the commit; in the order of the ids, so that two
-- writers never wait for each other. $1 engagements, $2 owner
SELECT engagement_id FROM detail_queue
WHERE engagement_id = ANY ($1::text[]) AND claimed_by = $2
ORDER BY engagement_id
FOR UPDATE;
